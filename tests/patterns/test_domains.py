"""Domains of a tissue whose regions are known, on spots and between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

import stentrans
from stentrans.errors import Cancelled, ParameterError
from stentrans.patterns.domains import cluster_map, components, find_domains, sharpness
from stentrans.patterns.labels import likeness
from stentrans.patterns.markers import domain_markers, marker_genes


@pytest.fixture(scope="module")
def domains(known_section, linear_fit):
    return find_domains(known_section, linear_fit[0], n_domains=8)


def test_domains_are_the_regions_of_the_tissue(known_section, domains):
    found = domains.spots["domain"].to_numpy()
    assert likeness(found - 1, known_section.obs["domain"])["ari"] > 0.5
    assert domains.n_domains == 8
    assert list(domains.spots.index) == list(known_section.obs_names)


def test_domains_are_numbered_by_size(domains):
    sizes = domains.spots["domain"].value_counts().sort_index()
    assert list(sizes.index) == list(range(1, 9))
    assert sizes.is_monotonic_decreasing


def test_finer_sites_carry_the_same_domains(known_section, domains, linear_fit):
    assert list(domains.sites.index) == list(linear_fit[0].sites.index)
    at_spots = domains.sites.loc[known_section.obs_names, "domain"]
    assert adjusted_rand_score(at_spots, domains.spots["domain"]) > 0.6
    assert domains.sites["certainty"].between(1 / 8, 1).all()


def test_same_seed_same_domains_and_other_seeds_agree(known_section, domains):
    again = find_domains(known_section, n_domains=8)
    pd.testing.assert_frame_equal(again.spots, domains.spots)
    assert 0.6 < domains.stability <= 1


def test_higher_resolution_gives_more_domains(known_section):
    few, many = (find_domains(known_section, resolution=r).n_domains for r in (0.2, 3.0))
    assert few < many


def test_sharp_border_is_sharper_than_a_gradient(lattice):
    x = lattice.plane(lattice.array)[:, 0]
    label = (x > np.median(x)).astype(np.int64)
    step, slope = label[:, None].astype(float), (x / np.ptp(x))[:, None]
    assert sharpness(step, label, lattice) == pytest.approx(1)
    assert 0 < sharpness(slope, label, lattice) < 0.5
    assert np.isnan(sharpness(step, np.zeros_like(label), lattice))


def test_clusters_of_the_enhanced_map_are_as_many(domains, linear_fit):
    label = cluster_map(linear_fit[0], domains.genes, 5, seed=0)
    assert len(label) == len(linear_fit[0].sites)
    assert label.max() + 1 == 5


def test_components_keep_distances(rng):
    wide, tall = rng.normal(size=(12, 40)), rng.normal(size=(40, 12))
    for values in (wide, tall):
        found = components(values.astype(np.float32), 12)
        centred = values - values.mean(0)
        rank = found.shape[1]
        expected = np.linalg.svd(centred, compute_uv=False)[:rank]
        np.testing.assert_allclose(np.linalg.norm(found, axis=0), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_domains": 1}, "n_domains must be between 2 and"),
        ({"resolution": 0.0}, "resolution must be between"),
    ],
    ids=["one", "zero"],
)
def test_numbers_out_of_range_are_refused(known_section, given, message):
    with pytest.raises(ParameterError, match=message):
        find_domains(known_section, **given)


def test_enhancement_of_another_section_is_refused(known_section, linear_fit):
    with pytest.raises(ParameterError, match="must be one of this section"):
        find_domains(known_section[:, :200].copy(), linear_fit[0])


def test_cancelling_stops(known_section):
    with pytest.raises(Cancelled, match="Cancelled on request"):
        find_domains(known_section, on_progress=lambda _: False)


def test_markers_of_a_layer_are_its_genes(known_section):
    is_layer = (known_section.obs["domain"] == "Layer5").to_numpy()
    table = domain_markers(known_section, np.where(is_layer, 1, 2))
    assert set(table["domain"]) == {1, 2}
    best = marker_genes(table, 1, 5)
    assert best
    assert all(gene.startswith("Layer5") for gene in best)


def test_markers_of_one_domain_are_none(known_section):
    assert domain_markers(known_section, np.ones(known_section.n_obs, np.int64)).empty


@pytest.mark.slow
def test_layers_of_the_olfactory_bulb_are_found(shared_data):
    section = stentrans.read(shared_data / "st_mouse_ob_Rep11.h5ad")
    enhancement = stentrans.enhance(section, method="prior")
    found = find_domains(section, enhancement, n_domains=5)
    fine = found.sites.loc[section.obs_names, "domain"].to_numpy() - 1
    measured = likeness(found.spots["domain"].to_numpy() - 1, section.obs["layer"])
    enhanced = likeness(fine, section.obs["layer"])
    assert measured["ari"] > 0.5
    assert enhanced["ari"] > 0.5


@pytest.mark.slow
def test_regions_of_a_pathologist_are_found_in_part(shared_data):
    section = stentrans.read(shared_data / "st_human_her2st_B1.h5ad")
    enhancement = stentrans.enhance(section, method="prior")
    found = find_domains(section, enhancement, n_domains=4)
    fine = found.sites.loc[section.obs_names, "domain"].to_numpy() - 1
    # Cancer, connective and fatty tissue part; glands do not part from the cancer.
    assert likeness(found.spots["domain"].to_numpy() - 1, section.obs["label"])["ari"] > 0.2
    assert likeness(fine, section.obs["label"])["ari"] > 0.2
