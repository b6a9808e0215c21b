"""Exports that are made in the background: asked for, worked on in turns, kept for a while (exports §1, §2)."""
