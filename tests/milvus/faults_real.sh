#!/bin/sh
exec tests/milvus/faults.py 2.3.5
