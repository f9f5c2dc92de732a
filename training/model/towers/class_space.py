"""A trunk's own classes as a space where patches and words meet before anything is trained.

The trunk was trained to tell some classes apart (ImageNet's thousand), each of which has a name.
A patch is the classifier's distribution over them; a word is a distribution too, by how near it is
to each name in the sentence encoder. Their cosine says whether the patch shows the word. That is
supervision by class labels, not by captions, and called so wherever its figures stand.

Both are kept in as few directions as the names themselves need.

Shape legend: n texts, c classes, d width of the sentence encoder, r width of the space, b images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.model.unit_length import normalize

# What cosines of a word and the names are multiplied with: a word is then shared out among the few
# of a thousand that mean nearly the same.
SHARPNESS = 20.0


class ClassSpace(nn.Module):
    """Where words meet the classes that a trunk tells apart.

    Args:
        names_cd: (c, d) unit-length sentence embeddings of the classes' names.
        projection_cr: (c, r) orthonormal directions.

    Attributes:
        names_cd, projection_cr: as given, buffers.
        width: r.
    """

    names_cd: Tensor
    projection_cr: Tensor

    def __init__(self, names_cd: Tensor, projection_cr: Tensor) -> None:
        super().__init__()
        self.width = int(projection_cr.shape[1])
        self.register_buffer("names_cd", names_cd)
        self.register_buffer("projection_cr", projection_cr)

    @classmethod
    def of_names(cls, names_cd: Tensor, width: int) -> ClassSpace:
        """The space of so many directions as the names' own distributions differ in most.

        Args:
            names_cd: as for the class.
            width: r, at most c.
        """
        shares_cc = _share(names_cd, names_cd)
        shares_cc = shares_cc / shares_cc.norm(dim=1, keepdim=True)
        _, _, directions_cc = torch.linalg.svd(shares_cc, full_matrices=False)
        return cls(names_cd, directions_cc[:width].T.contiguous())

    def of_texts(self, texts_nd: Tensor) -> Tensor:
        """(n, d) unit-length sentence embeddings -> (n, r), unit length."""
        return normalize(_share(texts_nd, self.names_cd) @ self.projection_cr, dim=1)

    def nearness(self, texts_nd: Tensor) -> Tensor:
        """(n, d) unit-length sentence embeddings -> (n,), the cosine of each with the nearest name:
        how much a class can know of it.
        """
        return (texts_nd @ self.names_cd.T).amax(dim=1)

    def of_logits(self, logits_bchw: Tensor) -> Tensor:
        """(b, c, h, w) logits of the classes -> (b, r, h, w), unit length."""
        # Along the last axis: over the first, ONNX Runtime's softmax takes several times as long.
        shares_bhwc = logits_bchw.permute(0, 2, 3, 1).softmax(dim=-1)
        return normalize(shares_bhwc @ self.projection_cr, dim=-1).permute(0, 3, 1, 2)


def _share(texts_nd: Tensor, names_cd: Tensor) -> Tensor:
    """(n, c) how a text is shared out among the names, rows sum to 1."""
    return (SHARPNESS * (texts_nd @ names_cd.T)).softmax(dim=1)
