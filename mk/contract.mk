# contract: docs/openapi.yaml is in the program, and is what a running server is held to.
$(B)/api/openapi.o: docs/openapi.yaml
