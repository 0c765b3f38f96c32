import pytest
import torch
from support.drawn import ellipse_of_mtln

from fetalnet.core.geometry import Ellipse
from fetalnet.network.architectures import build
from fetalnet.network.config import Masks, MtlnConfig, MultiTaskUNetConfig, PublishedConfig
from fetalnet.network.output import Output
from fetalnet.research.training.data.targets import soft_mask

pytest.importorskip("lightning", reason="the train extra is not installed")

from fetalnet.research.training.data.batches import Batch
from fetalnet.research.training.losses import cost, ellipse_loss, ellipse_truth, mask_truth

SIZE = (64, 96)
HEAD = Ellipse(44, 33, 25, 18, 160)


def batch(planes=(1.0, 0.0, 0.0, 0.0), channel=0, weight=(1.0, 1.0, 1.0)):
    masks = torch.zeros(1, 1, 3, *SIZE)
    masks[0, 0, channel] = torch.from_numpy(soft_mask(HEAD, SIZE))
    one = torch.ones(1, 1)
    return Batch(
        torch.rand(1, 1, 1, *SIZE, generator=torch.Generator().manual_seed(0)),
        torch.tensor([[planes]]),
        torch.zeros(1, 1, 3),
        one,
        torch.zeros(1, 1, 11),
        one,
        masks,
        torch.tensor([[weight]]),
    )


def output(truth, masks=Masks.SHARED, planes=(9.0, 0.0, 0.0, 0.0), ellipse=None):
    """What a network that is right would say."""
    logits = 40.0 * (mask_truth(truth, masks)[0] - 0.5)
    return Output(torch.tensor([[planes]]), None, None, logits, (), torch.zeros(1), ellipse)


def test_that_a_shared_mask_shows_whatever_plane_there_is():
    shown, weight = mask_truth(batch(channel=2), Masks.SHARED)
    assert torch.equal(shown[0, 0, 0], batch(channel=2).masks[0, 0, 2])
    assert weight.tolist() == [[[1]]]
    assert mask_truth(batch(weight=(1.0, 1.0, 0.0)), Masks.SHARED)[1].tolist() == [[[0]]]


def test_that_a_head_network_is_not_asked_for_other_planes():
    shown, weight = mask_truth(batch(channel=2, weight=(1.0, 0.0, 0.0)), Masks.HEAD)
    assert shown.shape == (1, 1, 1, *SIZE)
    assert shown.max() == 0
    assert weight.tolist() == [[[1]]]


def test_that_lambda_shares_the_cost_between_classes_and_mask():
    network = build(MultiTaskUNetConfig(height=64, width=96, base=4))
    truth = batch()
    wrong_class, wrong_mask = (
        output(truth, planes=(0.0, 9.0, 0.0, 0.0)),
        output(truth)._replace(mask_logits=-output(truth).mask_logits),
    )
    assert cost(network, wrong_class, truth, class_share=0.0).total < 0.2
    assert cost(network, wrong_mask, truth, class_share=1.0).total < 0.01
    parts = cost(network, wrong_mask, truth).parts
    half = cost(network, wrong_mask, truth, class_share=0.5).total
    torch.testing.assert_close(half, 0.5 * parts["planes"] + 0.5 * parts["masks"])


def test_that_three_classes_are_not_charged_for_frames_of_no_plane():
    network = build(MultiTaskUNetConfig(height=64, width=96, base=4, classes=3))
    truth = batch(planes=(0.0, 0.0, 0.0, 1.0))
    assert cost(network, output(truth, planes=(1.0, 2.0, 3.0)), truth).parts["planes"] == 0


def test_that_side_outputs_are_charged_for_only_where_they_are_returned():
    truth = batch()
    for supervised in (True, False):
        network = build(
            PublishedConfig(height=64, width=96, base=4, temporal_width=4, deep_supervision=supervised)
        ).eval()
        assert ("sides" in cost(network, network(truth.frames), truth).parts) is supervised


def test_that_an_ellipse_comes_back_from_its_mask():
    truth, whole = ellipse_truth(torch.from_numpy(soft_mask(HEAD, SIZE))[None])
    found = ellipse_of_mtln(truth[0], *SIZE)
    assert whole.tolist() == [1]
    assert (found.cx, found.cy, found.a, found.b, found.theta_deg) == pytest.approx((44, 33, 25, 18, 160), abs=0.1)


def test_that_cut_and_absent_heads_teach_no_ellipse():
    cut = torch.from_numpy(soft_mask(Ellipse(5, 30, 25, 18, 0), SIZE))
    numbers, whole = ellipse_truth(torch.stack([cut, torch.zeros(SIZE)]))
    assert whole.tolist() == [0, 0]
    assert torch.isfinite(numbers).all()


def test_that_half_a_turn_is_the_same_ellipse():
    truth = batch()
    numbers = ellipse_truth(truth.masks[:, 0, 0])[0][:, None]
    turned = numbers + torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])
    arguments = truth.masks[:, :, 0], torch.ones(1, 1)
    assert ellipse_loss(output(truth, ellipse=turned), *arguments) == pytest.approx(0, abs=1e-6)
    quarter = numbers + torch.tensor([0.0, 0.0, 0.0, 0.0, 0.25])
    assert ellipse_loss(output(truth, ellipse=quarter), *arguments) == pytest.approx(0.25**2 / 5, rel=1e-4)


def test_that_the_mtln_pays_for_mask_and_ellipse_of_heads_alone():
    network = build(MtlnConfig(height=64, width=96, base=4)).eval()
    with_head, without = batch(), batch(channel=1)
    paid = cost(network, network(with_head.frames), with_head)
    assert paid.total == sum(paid.parts.values()) > 0
    assert cost(network, network(without.frames), without).total == 0
