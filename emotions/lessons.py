"""What a model learns from: comments with labels, others beside them, second opinions; and the losses on these."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from emotions.batches import Tokens, on_device
from emotions.extra_data import Extra
from emotions.opinions import Opinions


@dataclass(frozen=True)
class Lessons:
    """What a training run learns from. Positions are indices of the n comments.

    tokens: of the n comments. labels: (n, L) of 0 and 1. own: positions to train on. validation: positions, which may
    be none. extra: comments of another origin, of the same n, to train on, too, some of them in each epoch. opinions:
    second ones on the n comments; those on what is trained on are learned.

    A row is a number of what is trained on: first all of `own`, then all of `extra`.
    """

    tokens: Tokens
    labels: np.ndarray
    own: np.ndarray
    validation: np.ndarray
    extra: Extra | None = None
    opinions: Opinions | None = None

    @cached_property
    def positions(self) -> np.ndarray:
        """The position of each of the m rows, (m,)."""
        return np.concatenate([self.own, self.extra.positions]) if self.extra else self.own

    @property
    def epoch_size(self) -> int:
        """How many rows every epoch learns from."""
        return len(self.own) + (self.extra.epoch_size if self.extra else 0)

    def rows_of(self, seed: int, epoch: int) -> np.ndarray:
        """Return the rows of an epoch, (epoch_size,), in order; they depend on seed and epoch alone."""
        own = np.arange(len(self.own))
        return np.concatenate([own, len(own) + self.extra.draw(seed, epoch)]) if self.extra else own

    def mean_opinions(self) -> np.ndarray:
        """Return the mean of the opinions on what an epoch learns from, (L,)."""
        chances = self.extra.chances if self.extra else np.zeros(0)
        return self.opinions.mean(self.positions, np.concatenate([np.ones(len(self.own)), chances]))

    def losses(
        self, logits: Tensor, rows: np.ndarray, beliefs: Tensor, trust: float, opinion_weight: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the losses of k rows, on the device of the logits.

        logits: the model's, (k, L), or (k, 2 L) with those of its `opinion_head`. beliefs: what was believed of every
        row before, (m, L). trust: the share of a belief in what is learned; where it is 0, `beliefs` may have no rows.
        What the losses are is told where `emotions.training.Recipe` lists their parameters.

        First comes the sum of what is to become smaller, with a gradient. Then the loss on the labels themselves, a
        mean over labels, summed over those rows that are of `own`. Last the probability of each label, (k, L) float16.
        """
        device, positions = logits.device, self.positions[rows]
        target = on_device(self.labels[positions], device).float()
        logits, opinion_logits = logits[:, : target.shape[1]].float(), logits[:, target.shape[1] :].float()
        numbers = on_device(rows, device)
        is_own = numbers < len(self.own)
        if self.extra:
            logits = logits + on_device(self.extra.shift, device) * ~is_own.unsqueeze(1)
        wanted = target.lerp(beliefs[numbers].float(), trust) if trust else target
        learned = binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        if self.opinions:
            opinion, known = (on_device(one, device) for one in self.opinions.at(positions))
            learned = learned + opinion_weight * binary_cross_entropy_with_logits(
                opinion_logits, opinion.float(), known.float().unsqueeze(1), reduction="sum"
            )
        told = binary_cross_entropy_with_logits(logits.detach(), target, reduction="none").mean(dim=1)
        # Picking rows instead of weighing them would make a GPU wait.
        return learned, (told * is_own).sum(), logits.detach().sigmoid().half()
