# Speed of the tensor kernels: `make bench-gemm [THREADS=2]`.
$(B)/bench/bench_gemm: bench/bench_gemm.c $(B)/tensor.a $(B)/base.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ $< $(B)/tensor.a $(B)/base.a -lm -pthread

.PHONY: bench-gemm
bench-gemm: $(B)/bench/bench_gemm ## speed of the tensor kernels as a share of this machine's peak
	$< $(THREADS)
