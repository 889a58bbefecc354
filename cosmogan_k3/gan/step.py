"""One adversarial step, written once for every backend, as if every variable were stateful."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Tensor
from cosmogan_k3.errors import InputError
from cosmogan_k3.nn.layers import MomentMatching

if TYPE_CHECKING:
    from cosmogan_k3.gan.gan import GAN


class StepResult(NamedTuple):
    """Losses and mean logits of one step; the fields are the names of the metrics."""

    discriminator_loss: Tensor
    generator_loss: Tensor
    real_logit: Tensor
    fake_logit: Tensor


def adversarial_step(
    gan: GAN, maps: Tensor, latents: list[Tensor], conditions: Tensor | None = None
) -> StepResult:
    """Update both networks and the averaged generator.

    The equations are those of ``GAN``. The generator's pass serves both updates: the discriminator
    sees its maps, and the vector-Jacobian product of the same pass turns the slope of L_G at these
    maps into gradients of the generator's weights.

    Parameters
    ----------
    gan : GAN
    maps : tensor
        Real maps ``(n, pixels, pixels, 1)`` in network units.
    latents : list of tensor
        One for each latent input of the generator.
    conditions : tensor, optional
        ``(n, n_conditions)``, of a conditional model.

    Returns
    -------
    StepResult
        Loss and mean logits of the last discriminator step, before its update, and loss of the
        generator.

    Raises
    ------
    InputError
        If the maps cannot be split evenly among the discriminator steps.
    """
    # After the loop the names stand for the last part, on which the generator takes its step.
    for real, z, theta in _parts(gan, maps, latents, conditions):
        fake, vjp = _generator_pass(gan, z, theta)
        d_loss, (real_logit, fake_logit) = _discriminator_step(gan, real, fake, theta)
    # Only what the objective reads: the generator's variables belong to the pass above.
    state = list(gan.discriminator.variables)
    for matching in gan.matchings:
        state += matching.variables
    (g_loss, moments), cotangent = backend.value_and_input_gradient(
        lambda fake: generator_objective(gan, real, fake, theta), fake, state
    )
    gan.optimizer.generator.apply(vjp(cotangent), gan.generator.trainable_variables)
    _update_average(gan)
    _update_matchings(gan, moments, z, theta)
    return StepResult(d_loss, g_loss, real_logit, fake_logit)


def _parts(
    gan: GAN, maps: Tensor, latents: list[Tensor], conditions: Tensor | None
) -> Iterator[tuple[Tensor, list[Tensor], Tensor | None]]:
    """Yield one part of the batch for each of k discriminator steps: every k-th row.

    Rows of the whole batch are chosen alike, however many devices share it.
    """
    count, size = gan.discriminator_steps, maps.shape[0]
    if size is not None and size % count:
        raise InputError(
            f"A device's maps are split evenly among {count} discriminator steps: their number "
            f"must be a multiple of {count}. Received: {size} maps",
            parameter="batch_size",
        )
    for i in range(count):
        part = None if conditions is None else conditions[i::count]
        yield maps[i::count], [z[i::count] for z in latents], part


def _generator_pass(
    gan: GAN, latents: list[Tensor], conditions: Tensor | None
) -> tuple[Tensor, Callable[[Tensor], list[Tensor]]]:
    """Return generated maps, and the function from their cotangent to weight gradients."""
    return backend.vjp(
        lambda: generate(gan, gan.generator, latents, conditions),
        gan.generator.trainable_variables,
        gan.variables,
    )


def _update_matchings(
    gan: GAN, moments: list[Tensor], latents: list[Tensor], conditions: Tensor | None
) -> None:
    """Show the matchings this batch, and maps of the averaged generator from some of it."""
    if not gan.matchings:
        return
    every = MomentMatching.EVERY
    few = None if conditions is None else conditions[::every]
    averaged = generate(gan, gan.averaged_generator, [z[::every] for z in latents], few)
    for matching, found in zip(gan.matchings, moments, strict=True):
        matching.update(found, ops.stop_gradient(matching.moments(averaged, few)))


def _discriminator_step(
    gan: GAN, real: Tensor, fake: Tensor, conditions: Tensor | None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Update the discriminator; return L_D and the mean logits before the update."""
    variables = gan.discriminator.trainable_variables
    (loss, logits), gradients = backend.value_and_grad(
        lambda: discriminator_objective(gan, real, fake, conditions), variables, gan.variables
    )
    gan.optimizer.discriminator.apply(gradients, variables)
    return loss, logits


def generate(
    gan: GAN, network: keras.Model, latents: list[Tensor], conditions: Tensor | None = None
) -> Tensor:
    """Return training-mode maps of one of the generators, in network units.

    The reference batch passes through the same layers first.

    Parameters
    ----------
    gan : GAN
    network : keras.Model
        ``gan.generator`` or ``gan.averaged_generator``.
    latents : list of tensor
    conditions : tensor, optional

    Returns
    -------
    tensor
        ``(n, pixels, pixels, 1)``, without the margin.
    """
    inputs = network_inputs(latents, conditions)
    if not gan.reference_size:
        return gan.latent_space.crop(network(inputs, training=True), training=True)
    examples = gan.example_conditions
    few = None if examples is None else examples[: gan.reference_size]
    joined = [
        ops.concatenate([ops.cast(r, z.dtype), z], axis=0)
        for r, z in zip(network_inputs(gan.reference, few), inputs, strict=True)
    ]
    both = gan.latent_space.crop(network(joined, training=True), training=True)
    sizes = [gan.reference_size, ops.shape(both)[0] - gan.reference_size]
    return backend.split(both, sizes, 0)[1]


def network_inputs(latents: Sequence[Any], conditions: Any) -> list[Any]:
    """Return the inputs of a generator: the latents and, if there are any, the conditions."""
    return list(latents) if conditions is None else [*latents, conditions]


def _logits(gan: GAN, maps: Tensor, conditions: Tensor | None) -> Tensor:
    """Return the logits of the whole batch.

    A loss is then the same number, with the same flipped labels, on every device.
    """
    inputs = maps if conditions is None else [maps, conditions]
    return backend.gather(gan.discriminator(inputs, training=True))


def discriminator_objective(
    gan: GAN, real: Tensor, fake: Tensor, conditions: Tensor | None = None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return L_D with its penalties, and the mean logits of real and generated maps."""
    real_logits, fake_logits = _logits(gan, real, conditions), _logits(gan, fake, conditions)
    loss = gan.adversarial_loss.discriminator(real_logits, fake_logits, gan.seed_generator)
    for penalty in gan.penalties:
        loss = loss + penalty(gan.discriminator, real, fake, gan.seed_generator, conditions)
    return loss, (ops.mean(real_logits), ops.mean(fake_logits))


def generator_objective(
    gan: GAN, real: Tensor, fake: Tensor, conditions: Tensor | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Return L_G with the terms that match moments, and these moments of each generated map."""
    loss = gan.adversarial_loss
    real_logits = _logits(gan, real, conditions) if loss.relative else None
    value = loss.generator(real_logits, _logits(gan, fake, conditions))
    moments = [matching.moments(fake, conditions) for matching in gan.matchings]
    for matching, found in zip(gan.matchings, moments, strict=True):
        value = value + matching.loss(found)
    return value, moments


def averaged_copy(generator: keras.Model) -> keras.Model:
    """Return a copy of a generator, for the average of its weights.

    Parameters
    ----------
    generator : keras.Model
    """
    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    copy.trainable = False
    return copy


def _update_average(gan: GAN) -> None:
    """Move the averaged weights towards the present ones.

    The average is short at first, or the initial weights would contribute for 1/(1 − d) steps.
    """
    step = ops.cast(gan.optimizer.iterations, "float32")
    decay = 0.0
    if gan.average_decay:
        decay = ops.minimum(gan.average_decay, (1 + step) / (10 + step))
    averages, values = [], []
    for average, value in zip(gan.averaged_generator.weights, gan.generator.weights, strict=True):
        if value.trainable:
            averages.append(average)
            values.append(value)
        else:
            average.assign(value)
    backend.move_averages(averages, values, decay)
    if gan.calibrator is not None:
        gan.calibrator.reset()  # it was fitted to other weights
