.PHONY: bench bench-index
bench: bench-gemm bench-image bench-scan bench-index ## all benchmarks (docs/PERFORMANCE.md)

bench-index: all parity-venv ## index 1,000 photographs beside open_clip + PyTorch in one run
	@.venv/bin/python bench/index_beside_torch.py
