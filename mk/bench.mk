.PHONY: bench bench-index
bench-index: all ## index 1,000 photographs beside open_clip + PyTorch in one run (needs .venv: make parity)
	@.venv/bin/python bench/index_beside_torch.py
