# web: the page, built by Vite and laid into the program. A source release ships web/dist, then Node is not needed.
WEB_SRC := $(filter-out web/dist/% web/node_modules/%,$(wildcard web/*.* web/src/*.* web/src/*/*.* web/src/*/*/*.* web/public/*)) docs/openapi.yaml

build/web/assets.c: $(wildcard $(WEB_SRC)) web/build.sh
	@mkdir -p build/web
	$(call say,WEB,$@)
	@web/build.sh build/web

build/web/assets.o: build/web/assets.c src/api/assets.h
	$(Q)$(CC) -std=c11 -O1 -fPIC -Isrc -c $< -o $@
