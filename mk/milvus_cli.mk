# The program on a server beside itself in a folder, copies there and back, several nodes and indexers on one collection.
MILVUS_TESTS += cli=tests/milvus/cli.sh
