"""Synthetic people: posed, dressed and rendered meshes of a licence-free body."""
