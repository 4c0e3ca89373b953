"""The wire contract, declared once: messages, codes, codecs, and the documents generated from them."""
