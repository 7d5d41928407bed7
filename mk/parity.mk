.PHONY: parity parity-venv

$(B)/parity-embed: tools/parity/embed.c $(B)/clip.a $(B)/tensor.a $(B)/image.a $(B)/base.a
	$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) $(LDFLAGS_V) -o $@ $< $(B)/clip.a $(B)/tensor.a $(B)/image.a $(B)/base.a $(LIBS)

.venv/bin/python:
	python3 -m venv .venv
	.venv/bin/pip install -q -r tools/parity/requirements.txt

parity-venv: .venv/bin/python ## make .venv with open_clip 3.3.0, the reference

parity: $(B)/parity-embed .venv/bin/python ## compare embeddings and recall with open_clip (minutes; needs .venv)
	@.venv/bin/python tools/parity/parity.py --embed $(B)/parity-embed $(PARITY)
