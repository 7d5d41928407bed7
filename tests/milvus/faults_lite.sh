#!/bin/sh
exec tests/milvus/faults.py lite
