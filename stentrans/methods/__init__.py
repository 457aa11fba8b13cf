"""Upsamplers, one per file, behind one protocol; `stentrans.methods.registry` lists them."""
