# deploy: the image's program and file system, the image itself (no engine needed), the Debian package. docs/DEPLOY.md tells how to use them.

# The program once more, with libarchive inside it (deploy/image/no_xar.c says why) and without debug information.
build/release/eyeshine-image: $(PROGRAM:%=build/release/%.a) build/web/assets.o $(LAYERS:%=build/release/%.a) deploy/image/no_xar.c
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -MMD -MP,$(COMMON)) -O2 $(HARDEN) $(LDHARD) -s -Wl,--as-needed -o $@ deploy/image/no_xar.c \
	  -Wl,--whole-archive build/release/cli.a -Wl,--no-whole-archive $(PROGRAM:%=build/release/%.a) build/web/assets.o $(LAYERS:%=build/release/%.a) \
	  $(subst -larchive,-l:libarchive.a,$(PROGRAM_LIBS)) -l:libbz2.so.1.0 -l:liblzma.so.5 -l:libzstd.so.1

.PHONY: image
image: all build/release/eyeshine-image ## make build/eyeshine-image.tar, a container image for `docker load` or `podman load`
	@deploy/assemble build/image-root
	@deploy/image/pack build/image-root build/eyeshine-image.tar $(VERSION)

test-built: build/release/eyeshine-image

.PHONY: test-deploy
test-deploy: all build/release/eyeshine-image ## the image, the compose files, the manifests, the package: tests of deploy/ alone
	@tests/e2e/deploy.sh
	@tests/e2e/deb.sh

.PHONY: deb
deb: all ## make build/eyeshine_VERSION_ARCH.deb, a Debian package
	@deploy/debian/build build $(VERSION)
