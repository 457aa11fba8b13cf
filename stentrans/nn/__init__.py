"""Networks: tensors in, tensors out.

Shape letters: B batch, N sites, K neighbours a site attends to, D embedding, R rank (factors).
"""
