"""Backstage's entities become people, teams and services; our own words win."""

from __future__ import annotations

from textwrap import dedent

from bot.catalog.loader import load, read

ENTITIES = """
    apiVersion: backstage.io/v1alpha1
    kind: Component
    metadata:
      name: checkout
      title: Checkout
      description: Takes the order
      annotations: {github.com/project-slug: example/checkout}
      links: [{url: "https://grafana.example.org/d/checkout", title: Dashboard}]
    spec:
      type: service
      owner: group:default/payments
      system: shop
      dependsOn: ["component:default/cart", resource:payments-db, "component:default/not-here"]
    ---
    kind: Component
    metadata: {name: cart}
    spec: {system: shop, owner: user:default/robin}
    ---
    kind: Resource
    metadata: {name: payments-db}
    spec: {owner: payments, dependencyOf: ["component:cart"]}
    ---
    kind: System
    metadata: {name: shop}
    spec: {owner: storefront}
    ---
    kind: Group
    metadata: {name: payments}
    spec: {type: team, profile: {displayName: Payments}, members: [Robin.Vos, "user:default/nobody-we-know"]}
    ---
    kind: Group
    metadata: {name: storefront}
    spec: {type: team}
    ---
    kind: User
    metadata: {name: Robin.Vos, annotations: {github.com/user-login: rvos}}
    spec: {profile: {displayName: Robin Vos, email: robin@example.org}, memberOf: [storefront]}
    ---
    kind: Template
    metadata: {name: checkout}
    spec: {nonsense: [true]}
    ---
    just a text
"""


def test_entities_become_people_teams_and_services(write):
    write(ENTITIES, "catalog-info.yaml")
    catalog = load(write("backstage: [catalog-info.yaml]"))
    robin = catalog.people["robin.vos"]
    assert (robin.name, robin.email, robin.logins) == ("Robin Vos", "robin@example.org", {"github": "rvos"})
    assert catalog.teams["payments"].name == "Payments"
    assert catalog.teams["payments"].members == catalog.teams["storefront"].members == ("robin.vos",)
    checkout, cart = catalog.services["checkout"], catalog.services["cart"]
    assert (checkout.name, checkout.team, checkout.system) == ("Checkout", "payments", "shop")
    assert checkout.depends_on == ("cart", "payments-db")
    assert checkout.repositories == ("example/checkout",)
    assert checkout.links == {"Dashboard": "https://grafana.example.org/d/checkout"}
    assert cart.depends_on == ("payments-db",)
    assert cart.team == "storefront"  # its system's owner, since a user cannot own it here
    assert set(catalog.services) == {"checkout", "cart", "payments-db"}


def test_ours_wins_key_by_key(write):
    write(ENTITIES, "catalog-info.yaml")
    catalog = load(write("backstage: [catalog-info.yaml]\nservices: {checkout: {tier: 1, depends_on: []}}"))
    checkout = catalog.services["checkout"]
    assert (checkout.tier, checkout.depends_on, checkout.team) == (1, (), "payments")


def test_a_user_whom_we_know_by_address_is_the_same_person(write):
    write(ENTITIES, "catalog-info.yaml")
    catalog = load(write("backstage: [catalog-info.yaml]\npeople: {robin: {email: Robin@Example.org, slack: U1}}"))
    assert set(catalog.people) == {"robin"}
    assert catalog.people["robin"].logins == {"github": "rvos"}
    assert catalog.teams["payments"].members == ("robin",)


def test_globs_find_files_in_folders(write):
    write("kind: Component\nmetadata: {name: a}", "services/a/catalog-info.yaml")
    write("kind: Component\nmetadata: {name: b}", "services/b/catalog-info.yaml")
    assert set(load(write("backstage: [services/*/catalog-info.yaml]")).services) == {"a", "b"}


def test_a_folders_files_are_relative_to_the_folder(write, tmp_path):
    write("kind: Component\nmetadata: {name: a}", "entities/info.yaml")
    write("backstage: [../entities/info.yaml]", "catalogue/main.yaml")
    assert set(load(tmp_path / "catalogue").services) == {"a"}


def test_a_file_that_is_no_yaml_is_told(write, tmp_path):
    write("kind: [", "info.yaml")
    (told,) = map(str, read(write("backstage: [info.yaml]")).problems)
    assert told.startswith(f"{tmp_path / 'info.yaml'}:")


def test_problems_of_entities_stand_in_their_own_file(write, tmp_path):
    text = "kind: User\nmetadata:\n  name: robin\nspec: {profile: {email: nonsense}}\n"
    write(dedent(text), "info.yaml")
    (told,) = map(str, read(write("backstage: [info.yaml]")).problems)
    assert told == f"{tmp_path / 'info.yaml'}:3: people.robin.email: not an e-mail address; write robin@example.org"


def test_entities_of_odd_shape_do_no_harm(write):
    write(
        "kind: User\n---\nkind: Component\nmetadata: [x]\n---\nkind: Group\nmetadata: {name: g}\nspec: text\n---\n- 1\n",
        "info.yaml",
    )
    assert set(load(write("backstage: [info.yaml]")).teams) == {"g"}
