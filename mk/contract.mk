# contract: docs/openapi.yaml is in the program, and is what a running server is held to.
$(B)/api/openapi.o: docs/openapi.yaml

EXTRA_TESTS += contract=tests/contract/run.sh

.PHONY: contract
contract: all ## hold a real server to docs/openapi.yaml with schemathesis
	@tests/contract/run.sh
