.PHONY: bench-serve
bench-serve: all ## load on the server: search with and without an index job, 10,000 uploads
	@command -v wrk >/dev/null || { echo "wrk is missing: sudo apt-get install wrk"; exit 1; }
	@python3 bench/serve.py $(BENCH_SERVE)
