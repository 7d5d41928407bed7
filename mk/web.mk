# web: the page, built by Vite and laid into the program. A source release ships it built (web/dist), then Node is not needed.
WEB_SRC := $(shell find web/src web/public -type f ! -name schema.d.ts 2>/dev/null) web/index.html web/package.json \
           web/package-lock.json web/tsconfig.json web/vite.config.ts web/embed.mjs web/build.sh $(wildcard docs/openapi.yaml web/dist/assets.c)

build/web/assets.c: $(WEB_SRC)
	@mkdir -p build/web
	$(call say,WEB,$@)
	@web/build.sh build/web

build/web/assets.o: build/web/assets.c src/api/assets.h
	$(Q)$(CC) -std=c11 -O1 -fPIC -Isrc -c $< -o $@

EXTRA_TESTS += web/unit=web/tests/unit.sh web/journeys=web/tests/journeys/run.sh

.PHONY: web web-types web-test web-journeys dist
web: build/web/assets.c ## build the page into build/web/dist

web-types: ## make web/src/api/schema.d.ts from docs/openapi.yaml
	@web/modules.sh
	@cd web && npm run -s types

web-test: ## test the page's logic
	@web/tests/unit.sh

web-journeys: build/eyeshine ## walk through the page in Chromium; screenshots in build/screenshots
	@web/tests/journeys/run.sh

DIST := eyeshine-$(VERSION)
dist: build/web/assets.c ## make build/eyeshine-VERSION.tar.gz, a source release with the page built
	@rm -rf build/$(DIST) && mkdir -p build/$(DIST)
	@git archive HEAD | tar -x -C build/$(DIST)
	@mkdir -p build/$(DIST)/web/dist && cp -R build/web/assets.c build/web/bytes build/$(DIST)/web/dist/
	@tar -C build -czf build/$(DIST).tar.gz --owner=0 --group=0 --sort=name $(DIST) && rm -rf build/$(DIST)
	@echo build/$(DIST).tar.gz
