.PHONY: bench-tree
bench-tree: all ## a tree of 50,000 small files: nothing changed, renamed, its mount point empty (BENCH_TREE='--files N')
	@python3 bench/tree.py $(BENCH_TREE)
