# SPDX-License-Identifier: EUPL-1.2
"""Checks the demo programme: counts, references, lengths, what the seeds ask, and how plain the language is."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import textstat
import yaml

Rows = dict[str, dict[str, Any]]

ABROAD = {
    "Lione": "Lyon",
    "Dublino": "Dublin",
    "Lubiana": "Ljubljana",
    "Cracovia": "Kraków",
    "La Valletta": "Valletta",
    "Lipsia": "Leipzig",
    "Gand": "Ghent",
    "Siviglia": "Seville",
    "Salonicco": "Thessaloniki",
    "Praga": "Prague",
}
STAY = {
    "internship": ("Tirocinio a ", "Internship in "),
    "continuous_training": ("Formazione continua a ", "Continuous training in "),
}
GROUPS = {
    "young",
    "adult_out_of_market",
    "over_60",
    "woman",
    "neet",
    "diploma_degree",
    "lost_job",
    "strengthen_skills",
    "self_employment_seeker",
    "l68",
    "self_employed",
    "worker_in_difficulty",
    "family_in_need",
    "in_difficulty",
    "low_autonomy",
    "new_poverty",
}
HEALTH = r"salute|malat|disabil|health|illness"
PROTECTED = r"mirato|legge 68|disabil|invalid|malat|salute|targeted|law 68|disab|illness|health"


class Demo:
    """The demo files, and what was found wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))}
        self.errors: list[str] = []

    def __getitem__(self, name: str) -> Any:
        return self.files[name]

    def need(self, right: Any, otherwise: str) -> None:
        if not right:
            self.errors.append(otherwise)

    def by_id(self, rows: list[dict[str, Any]], what: str) -> Rows:
        self.need(len({row["id"] for row in rows}) == len(rows), f"{what}: two rows with one id")
        return {row["id"]: row for row in rows}

    @cached_property
    def comuni(self) -> dict[str, tuple[str, str, str]]:
        """By code: the name, the Unione, the area."""
        return {
            comune["istat"]: (comune["name"], union["id"], area["id"])
            for area in self["territories"]["areas"]
            for union in area["unions"]
            for comune in union["comuni"]
        }

    @cached_property
    def unions(self) -> set[str]:
        return {union["id"] for area in self["territories"]["areas"] for union in area["unions"]}

    @cached_property
    def areas(self) -> Rows:
        return self.by_id(self["territories"]["areas"], "areas")

    @cached_property
    def programmes(self) -> Rows:
        return self.by_id(self["programmes"]["programmes"], "programmes")

    @cached_property
    def organisations(self) -> Rows:
        lists = ("organisations", "training_bodies", "training_bodies_other_areas")
        return self.by_id([row for name in lists for row in self["organisations"][name]], "organisations")

    @cached_property
    def venues(self) -> Rows:
        return self.by_id(self["organisations"]["venues"], "venues")

    @cached_property
    def people(self) -> Rows:
        return self.by_id(self["people"]["people"], "people")

    @cached_property
    def jobseekers(self) -> list[dict[str, Any]]:
        return [person for person in self.people.values() if person["role"] == "jobseeker"]

    @cached_property
    def roles(self) -> Rows:
        return self.by_id(self["people"]["staff_roles"], "staff roles")

    @cached_property
    def opportunities(self) -> Rows:
        return self.by_id(self["opportunities"]["opportunities"], "opportunities")

    @cached_property
    def facts(self) -> Rows:
        return {fact["fact"]: fact for fact in self["opportunities"]["facts"]}

    @cached_property
    def workshops(self) -> Rows:
        return self.by_id(self["workshops"]["workshops"], "workshops")

    @cached_property
    def groups(self) -> Rows:
        return self.by_id(self["target_groups"]["groups"], "target groups")

    @cached_property
    def funds(self) -> Rows:
        return self.by_id(self["funds"]["funds"], "funds")

    @cached_property
    def members(self) -> list[str]:
        return [person for club in self["job_clubs"]["demo_members"] for person in club["people"]]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [offer for offer in self.opportunities.values() if offer["kind"] == kind]

    def area_of(self, organisation_id: str) -> str:
        organisation = self.organisations[organisation_id]
        if "comune_istat" in organisation:
            return self.comuni[organisation["comune_istat"]][2]
        return str(organisation.get("area", "bologna"))

    def venue_area(self, venue_id: str) -> str | None:
        comune = self.venues[venue_id]["comune_istat"]
        return self.comuni[comune][2] if comune else None

    def follows(self, person_id: str | None) -> bool:
        return person_id in self.people and self.people[person_id]["role"] in ("tutor", "counsellor")

    def money_line(self, offer: dict[str, Any]) -> str:
        allowance = {"attendance_allowance_hour_eur"} if offer.get("attendance_allowance_hour_eur") else set()
        keys = set(offer.get("pay") or {}) | allowance
        lines = self["opportunities"]["money_line"]
        found = [line for line in ("pay", "indemnity") if keys & set(lines[line])]
        self.need(len(found) == bool(keys), f"{offer['id']} money {keys}")
        return found[0] if found else "none"

    @cached_property
    def texts(self) -> list[tuple[str, str]]:
        """Every Italian text, and where it stands."""
        return [(path, said["it"]) for path, said in self.in_two_languages() if isinstance(said["it"], str)]

    def in_two_languages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, content in self.files.items():
            yield from _in_two_languages(content, name)


def _in_two_languages(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if "it" in value:
            yield path, value
        for name, child in value.items():
            yield from _in_two_languages(child, f"{path}/{name}")
    elif isinstance(value, list):
        for place, child in enumerate(value):
            name = child["id"] if isinstance(child, dict) and "id" in child else place
            yield from _in_two_languages(child, f"{path}[{name}]")


def flat(requirements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The single requirements, also those inside an any_of."""
    return [part for requirement in requirements for part in requirement.get("any_of", [requirement])]


def facts_of(requirements: list[dict[str, Any]]) -> set[str]:
    return {requirement["fact"] for requirement in flat(requirements)}


def codes_are_quoted(demo: Demo) -> None:
    """A comune's code without quotes is read as a number, and another one at that."""
    for path in sorted(demo.folder.glob("*.yaml")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            naked = re.search(r"(?<![\w\"'+.:/-])\d{6}(?![\w\"'.-])", line)
            demo.need(not naked, f"{path.name}:{number} six digits without quotes")


def territories(demo: Demo) -> None:
    for istat in demo.comuni:
        demo.need(re.fullmatch(r"\d{6}", istat), f"istat {istat}")
    in_bologna = sum(area == "bologna" for _, _, area in demo.comuni.values())
    demo.need(in_bologna == 55, "bologna must have 55 comuni")
    for feast in demo["territories"]["local_patron_days"]["entries"]:
        known = feast["istat"] in demo.comuni and feast["source"] and feast["checked_on"]
        demo.need(known, f"patron day of {feast['istat']}: which comune, and where was it read?")


def programmes(demo: Demo) -> None:
    for id, programme in demo.programmes.items():
        demo.need(programme.get("parent") in {None, *demo.programmes}, f"parent of {id}")
        demo.need(set(programme.get("gives_to", [])) <= set(demo.programmes), f"gives_to of {id}")
        audience = {*demo.groups, "firms", "residents", "unemployed"}
        demo.need(set(programme.get("audience", [])) <= audience, f"audience of {id}")
    for id, area in demo.areas.items():
        its_own = sorted(id_ for id_, programme in demo.programmes.items() if programme["area"] == id)
        demo.need(sorted(area["programmes"]) == its_own, f"area {id}: its programmes")


def organisations(demo: Demo) -> None:
    demo.need(len(demo["organisations"]["training_bodies"]) == 28, "28 bodies")
    listed = demo["organisations"]["organisations"]
    for one in listed:
        demo.need(one["comune_istat"] in demo.comuni, f"org {one['id']} comune {one['comune_istat']}")
    helps_firms = [one for one in listed if one["kind"] == "business_creation_service"]
    where = {demo.comuni[one["comune_istat"]][0] for one in helps_firms}
    demo.need("Collegno" in where, "a business-creation service in Collegno")
    for desk in (one for one in listed if one["kind"] == "public_desk"):
        reached = all(desk.get(name) for name in ("phone", "email", "address", "opening"))
        demo.need(reached, f"desk {desk['id']}: how to reach it")


def people(demo: Demo) -> None:
    for person in demo.people.values():
        demo.need(person.get("comune_istat") in {None, *demo.comuni}, f"person {person['id']} comune")
        demo.need(person.get("organisation") in {None, *demo.organisations}, f"person {person['id']} org")
    roles = {"tutor", "counsellor", "operator", "l68_operator", "privacy_officer", "administrator"}
    demo.need(set(demo.roles) == roles, "staff roles")
    found = {person["role"] for person in demo.people.values()}
    demo.need(found == {"jobseeker", *demo.roles}, "every staff role has a person, every person a role")


def jobseekers(demo: Demo) -> None:
    for person in demo.jobseekers:
        id, facts = person["id"], person["facts"]
        for name in person["target_groups"]:
            group = demo.groups.get(name, {"source": None, "sensitive": True})
            plain = group["source"] == "self" and not group["sensitive"]
            demo.need(plain, f"{id}: group {name} cannot be demo-loaded in plain")
        for fact in facts:
            open_fact = fact in demo.facts and not demo.facts[fact].get("special_category")
            demo.need(open_fact, f"{id}: fact {fact}")
        story = " ".join(person["story"].values())
        demo.need(not re.search(PROTECTED, story, re.I), f"{id}: protected matter in the story")
        demo.need("screen_reader" not in person["access_needs"], f"{id}: an access need that tells a disability")
        demo.need((person["stage"] == "placed") == ("placement" in person), f"{id}: placement")
        demo.need(person["stage"] != "job_club" or id in demo.members, f"{id}: in no club")
        if "placement" in person:
            found_work = not facts["registered_unemployed"] and "months_unemployed" not in facts
            known = person["placement"]["organisation"] in demo.organisations
            demo.need(found_work and known and id not in demo.members, f"{id}: placed and still searching")
    said = (demo.folder / "people.yaml").read_text("utf-8")
    demo.need("never demo-loaded in plain" in said, "people.yaml must say what is never loaded")


def opportunities(demo: Demo) -> None:
    kinds = Counter(offer["kind"] for offer in demo.opportunities.values())
    demo.need(set(kinds.values()) == {15} and len(kinds) == 6, f"kinds {kinds}")
    for id, offer in demo.opportunities.items():
        demo.need(offer["programme"] in demo.programmes, f"{id} programme")
        demo.need(offer["organisation"] in demo.organisations, f"{id} org {offer['organisation']}")
        demo.need(offer["comune_istat"] in {None, "", *demo.comuni}, f"{id} comune {offer['comune_istat']}")
        demo.need(offer["deadline_day_offset"] > offer["opens_day_offset"], f"{id} dates")
        for requirement in flat(offer["requirements"]):
            _requirement(demo, id, requirement)


def _requirement(demo: Demo, id: str, requirement: dict[str, Any]) -> None:
    fact = requirement["fact"]
    demo.need(fact in demo.facts, f"{id} fact {fact}")
    if demo.facts.get(fact, {}).get("type") == "istat_or_area":
        for value in requirement["value"]:
            demo.need(value in demo.comuni or value in demo.unions, f"{id} place {value}")
    if fact == "l68_listed":
        demo.need(requirement["check"] == "operator", "l68 must be checked by a person")


def jobs_and_internships(demo: Demo) -> None:
    for offer in demo.of_kind("job"):
        demo.need(demo.money_line(offer) == "pay", f"{offer['id']} a job shows its pay")
    for offer in demo.of_kind("internship"):
        id, promoter, tutor = offer["id"], offer.get("promoter"), offer.get("centre_tutor")
        allowance = (offer.get("pay") or {}).get("allowance_month_eur", 0)
        demo.need(allowance > 0 and offer.get("duration_months"), f"{id} allowance and length")
        area = demo.comuni[offer["comune_istat"]][2]
        known = promoter in demo.organisations
        demo.need(known and demo.area_of(promoter) == area, f"{id} promoter of the area")
        of_centre = demo.follows(tutor) and demo.people[tutor]["organisation"] == promoter
        demo.need(of_centre, f"{id} tutor of the school or centre")
        firm_tutor = offer.get("firm_tutor")
        demo.need(isinstance(firm_tutor, str) and firm_tutor.strip(), f"{id} tutor of the firm")


def public_works(demo: Demo) -> None:
    task_areas = demo["opportunities"]["task_areas"]
    works = demo.of_kind("public_works")
    for offer in works:
        id, rules = offer["id"], offer.get("task_rules")
        demo.need(demo.money_line(offer) == "indemnity", f"{id} indemnity line")
        if offer["programme"] in ("cantieri", "ppu"):
            demo.need(rules in ("seed", "newer"), f"{id} task rules")
            of_seed = offer.get("task_area") in task_areas
            demo.need(of_seed == (rules == "seed"), f"{id} task area only for tasks of the seed")
            demo.need(("label" in offer) == (rules == "newer"), f"{id} label of the newer rules")
    found = {offer.get("task_area") for offer in works} - {None}
    demo.need(found == set(task_areas) and len(task_areas) == 4, "four task areas")
    seeds = [offer.get("task_rules") == "seed" for offer in works if offer["programme"] == "cantieri"]
    demo.need(all(seeds), "cantieri do the tasks of the seed")
    ppu = [offer.get("task_rules") == "seed" for offer in demo.opportunities.values() if offer["programme"] == "ppu"]
    demo.need(2 * sum(ppu) >= len(ppu), "half of the PPU tasks are maintenance of buildings and green")


def mobility(demo: Demo) -> None:
    stays = demo.of_kind("mobility")
    for offer in stays:
        id, title = offer["id"], offer["title"]
        it, en = STAY[offer["stay"]]
        right = title["it"].startswith(it) and title["en"].startswith(en)
        demo.need(right, f"{id} title says the kind of stay")
        city = title["it"].removeprefix(it).split(":")[0]
        in_english = title["en"].removeprefix(en).split(":")[0]
        demo.need(in_english == ABROAD.get(city, city), f"{id} English city name")
        hours = offer["stay"] == "internship" or offer.get("hours")
        demo.need(offer["documents"] and hours, f"{id} documents, hours of training")
    training = sum(offer["stay"] == "continuous_training" for offer in stays)
    demo.need(training >= 4, "four stays of continuous training")


def academy(demo: Demo) -> None:
    courses = [offer for offer in demo.opportunities.values() if offer["programme"] == "academy"]
    for offer in courses:
        id, provider = offer["id"], offer["organisation"]
        demo.need(facts_of(offer["requirements"]) <= {"age"}, f"{id} the Academy asks nothing but age")
        kind = demo.organisations[provider].get("provider_kind")
        demo.need(offer["provider_kind"] == kind and demo.area_of(provider) == "est_milano", f"{id} provider")
    kinds = {offer["provider_kind"] for offer in courses}
    four = {"third_sector", "artisan", "trade_association", "large_firm"}
    demo.need(kinds == four, "four kinds of Academy provider")
    labs = [offer for offer in demo.opportunities.values() if offer["programme"] == "lab_progettuali"]
    closed = any("registered_unemployed" in facts_of(offer["requirements"]) for offer in labs)
    demo.need(not closed, "lab_progettuali is open to people with a job")


def training_proposals(demo: Demo) -> None:
    criteria = demo["training_proposals"]["criteria"]
    gates = {criterion["id"] for criterion in criteria if criterion["type"] == "gate"}
    most = {criterion["id"]: criterion["max"] for criterion in criteria if criterion["type"] == "score"}
    demo.need(gates == {"accredited", "placement_aim", "cofinanced"} and sum(most.values()) == 100, "criteria")
    for proposal in demo["training_proposals"]["proposals"]:
        demo.need(set(proposal["gates"]) == gates, f"{proposal['id']} gates")
        _gates(demo, proposal)
        _scores(demo, proposal, most)


def _gates(demo: Demo, proposal: dict[str, Any]) -> None:
    id, status, passed = proposal["id"], proposal["status"], proposal["gates"]
    demo.need(status in demo["training_proposals"]["statuses"], id)
    demo.need(proposal["body"] in demo.organisations, id)
    demo.need(proposal["linked_firm"] in {None, *demo.organisations}, id)
    unjudged = None in passed.values()
    demo.need((status in ("draft", "submitted")) == unjudged, f"{id} gates are judged after submission")
    demo.need((status == "not_admissible") == (False in passed.values()), f"{id} a failed gate is not_admissible")
    if passed["accredited"] is not None:
        accredited = bool(demo.organisations[proposal["body"]].get("accredited_rer"))
        demo.need(passed["accredited"] == accredited, f"{id} accreditation of the body")
    if passed["cofinanced"] is not None:
        demo.need(passed["cofinanced"] == (proposal["cofinancing_eur"] > 0), f"{id} co-financing")


def _scores(demo: Demo, proposal: dict[str, Any], most: dict[str, int]) -> None:
    id, status, scores = proposal["id"], proposal["status"], proposal.get("scores")
    judged = ("scored", "funded", "rejected", "running", "closed")
    demo.need((scores is not None) == (status in judged), f"{id} scores")
    if status in ("funded", "rejected", "running", "closed", "not_admissible"):
        demo.need(proposal.get("reason"), f"{id} reason")
    if not scores:
        return
    in_range = set(scores) == set(most) and all(0 <= scores[name] <= most[name] for name in most)
    demo.need(in_range, f"{id} score range")
    demo.need(proposal["positions"] > 0 or scores["positions"] == 0, f"{id} no position, no points")
    evaluators = set(proposal["evaluators"])
    demo.need(len(evaluators) == 2 and evaluators <= set(demo.people), f"{id} two evaluators")
    if status != "scored":
        enough = sum(scores.values()) >= demo["training_proposals"]["funding_threshold"]
        demo.need(enough == (status != "rejected"), f"{id} threshold")


def funded_courses(demo: Demo) -> None:
    """Each course that is published as funded has its approved proposal."""
    proposals = demo["training_proposals"]["proposals"]
    approved = {one["training"]: one for one in proposals if one["status"] in ("funded", "running")}
    for offer in demo.of_kind("training"):
        id = offer["id"]
        demo.need(offer["financed"] == (offer["programme"] == "training_funded"), f"{id} financed")
        if not offer["financed"]:
            continue
        proposal = approved.get(id)
        demo.need(proposal, f"{id} published as funded without an approved proposal")
        if proposal:
            names = ("linked_firm", "hours", "stage_hours")
            same = proposal["body"] == offer["organisation"] and all(proposal[name] == offer[name] for name in names)
            allowance = proposal["attendance_allowance"] == bool(offer["attendance_allowance_hour_eur"])
            demo.need(same and allowance, f"{id} differs from {proposal['id']}")


def workshops(demo: Demo) -> None:
    series = demo.by_id(demo["workshops"]["series"], "series")
    for id, one in series.items():
        known = one["programme"] in demo.programmes and one["area"] in demo.areas
        lasts = one["ends_day_offset"] > one["starts_day_offset"]
        demo.need(known and lasts and one["free"] is True, f"series {id}")
    for workshop in demo.workshops.values():
        _workshop(demo, workshop, series[workshop["series"]])
    of_series = Counter(workshop["series"] for workshop in demo.workshops.values())
    demo.need(of_series["bussola"] == 12, "12 Bussola workshops")
    meetings = demo["workshops"]["rules"]["path_definition"]["group_meetings"]
    path = Counter(demo.venue_area(one["venue"]) for one in demo.workshops.values() if one["counts_for_path"])
    for area in demo.areas:
        demo.need(path[area] >= meetings, f"path reachable in person in {area}")


def _workshop(demo: Demo, workshop: dict[str, Any], series: dict[str, Any]) -> None:
    id, tutor = workshop["id"], workshop["tutor"]
    known = workshop["venue"] in demo.venues and demo.follows(tutor)
    demo.need(known and workshop["free"] is True, f"workshop {id}")
    here = demo.venue_area(workshop["venue"])
    of_tutor = demo.area_of(demo.people[tutor]["organisation"])
    demo.need(here in (None, series["area"]) and of_tutor == series["area"], f"workshop {id} area")
    inside = series["starts_day_offset"] <= workshop["day_offset"] <= series["ends_day_offset"]
    demo.need(inside, f"workshop {id} outside its series")
    for fact in facts_of(workshop["requirements"] + series.get("requirements", [])):
        demo.need(fact in demo.facts, f"workshop {id} fact {fact}")


def work_design(demo: Demo) -> None:
    meetings = [one for one in demo.workshops.values() if one["series"] == "work_design"]
    steps = [one["canvas_step"] for one in meetings]
    canvas = demo["enterprise"]["work_design_canvas"]
    demo.need(steps == [1, 2, 3, 4, 5] and len(canvas) == 5, "five work-design meetings, one per step")
    series = next(one for one in demo["workshops"]["series"] if one["id"] == "work_design")
    there = all(demo.venue_area(one["venue"]) == "est_milano" for one in meetings)
    asked = "without_work" in facts_of(series["requirements"])
    demo.need(there and asked, "work design in Est Milano, for people without work")


def job_clubs(demo: Demo) -> None:
    clubs = demo.by_id(demo["job_clubs"]["job_clubs"], "clubs")
    demo.need(len(clubs) == 3, "3 clubs")
    main = [id for id, club in clubs.items() if club["main"]]
    of_collegno = [(clubs[id]["area"], clubs[id]["programme"]) for id in main] == [("collegno", "jobclub")]
    demo.need(of_collegno, "the main club is the one of Collegno")
    for id, club in clubs.items():
        counsellor = demo.people[club["counsellor"]]
        areas = {demo.venue_area(club["venue"]), club["area"], demo.area_of(counsellor["organisation"])}
        demo.need(len(areas) == 1, f"club {id} area")
        known = counsellor["role"] == "counsellor" and club["programme"] in demo.programmes
        demo.need(known, f"club {id} counsellor")
        elsewhere = club["main"] or ([club["same_format_as"]] == main and club["area"] != "collegno")
        demo.need(elsewhere, f"club {id} same format elsewhere")
    for members in demo["job_clubs"]["demo_members"] + demo["job_clubs"]["demo_former_members"]:
        demo.need(members["club"] in clubs, f"members of {members}")
    for person in demo.members:
        completed = demo.people[person]["facts"].get("path_completed")
        demo.need(completed, f"member {person} breaks the admission rule")


def target_groups(demo: Demo) -> None:
    demo.need(set(demo.groups) == GROUPS, "target groups")
    for id, group in demo.groups.items():
        _group(demo, id, group)
    must = {
        "low_autonomy": {"source": "human_assessment"},
        "l68": {"source": "operator", "set_by": "l68_operator", "sensitive": True},
        "new_poverty": {"optional": True, "skippable": True, "shown_to_firms": False},
    }
    for id, fields in must.items():
        found = {name: demo.groups[id].get(name) for name in fields}
        demo.need(found == fields, f"group {id} must have {fields}")


def _group(demo: Demo, id: str, group: dict[str, Any]) -> None:
    demo.need(group["label"]["it"] and group["label"]["en"], f"group {id} label")
    sources = ("self", "operator", "derived", "human_assessment")
    demo.need(group["source"] in sources and isinstance(group["sensitive"], bool), f"group {id} source, sensitive")
    rule = group.get("rule", [])
    known = all(part["fact"] in demo.facts for part in rule)
    demo.need((group["source"] == "derived") == bool(rule) and known, f"group {id} rule")
    by_a_person = group["source"] in ("operator", "human_assessment") and group.get("shown_to_firms") is False
    demo.need(not group["sensitive"] or by_a_person, f"group {id} sensitive: by a person, never to firms")
    demo.need(group.get("set_by") in {None, *demo.roles}, f"group {id} set by")
    demo.need(group["actions"], f"group {id} has no specific action")
    items = {*demo.opportunities, *demo.workshops, *(entry["id"] for entry in demo["services_faq"]["entries"])}
    for action in group["actions"]:
        known = action["programme"] in demo.programmes and set(action.get("items", [])) <= items
        demo.need(known and action["text"]["it"], f"group {id} action")


def enterprise(demo: Demo) -> None:
    call, prize = demo["enterprise"]["prize_call"], demo.opportunities["enterprise-10"]
    for challenge in demo["enterprise"]["challenges"]:
        here = demo.area_of(challenge["proposed_by"]) == "est_milano"
        demo.need(here, f"{challenge['id']} proposed outside Adda Martesana")
    of_collegno = call["programme"] == prize["programme"] == "imprenditori_collegno"
    with_mip = "mip" in call["with_programmes"] and prize["prize_call"] == call["id"]
    demo.need(of_collegno and with_mip, "the prize is of Imprenditori in Collegno, with MIP")
    who = set(call["who_can_take_part"]["any_of"])
    either = {"lives_in_comune", "idea_carried_out_in_comune"}
    demo.need("residence_only" not in call and who == either, "prize: who can take part")
    groups = [facts_of([part]) for part in prize["requirements"] if "any_of" in part]
    demo.need(groups == [{"residence", "idea_carried_out_in"}], "prize: residence or idea")
    support = set(call["local_ideators"]["support"]) <= set(demo.opportunities)
    services = set(call["with_services"]) <= set(demo.organisations)
    demo.need(support and services, "prize: support of local ideators")
    same = (call["opens_day_offset"], call["closes_day_offset"])
    demo.need(same == (prize["opens_day_offset"], prize["deadline_day_offset"]), "prize: dates")


def funds(demo: Demo) -> None:
    fund, programme = demo.funds["fsc"], demo.programmes["fsc"]
    alone = "parent" not in programme and programme["gives_to"] == ["ipl"]
    demo.need(alone and "amount_eur" not in fund and fund["total_eur"] is None, "fsc: its total is not known")
    received = [(part["programme"], part["amount_eur"]) for part in fund["received_by_programmes"]]
    demo.need(received == [("ipl", 1_000_000)], "fsc: what Insieme per il lavoro receives")


def questions(demo: Demo) -> None:
    entries = demo["services_faq"]["entries"]
    demo.need(len(entries) == 10, "10 faq")
    lost = next(entry for entry in entries if entry["id"] == "faq-02")
    words = lost["keywords"]
    found = "ho perso il lavoro" in lost["tags"] and "ho perso il lavoro" in words["it"]
    demo.need(found and "i lost my job" in words["en"], "faq-02: ho perso il lavoro")
    small = all(word == word.lower() for of_language in words.values() for word in of_language)
    demo.need(small, "faq-02 keywords in small letters")


def survey(demo: Demo) -> None:
    intros, questionnaires = demo["observatory_survey"]["intro"], demo["observatory_survey"]["questionnaires"]
    demo.need(set(questionnaires) == set(intros), "one intro per set of questions")
    for name, asked in questionnaires.items():
        required = [question["id"] for question in asked if not question["optional"]]
        demo.need(required == ["comune"], f"survey {name}: only comune is required")
        for question in asked:
            _survey_question(demo, name, question, {one["id"] for one in asked})
        branches = any("show_if" in question for question in asked)
        for said, at_most, word in (("it", "Al massimo ", "comune"), ("en", "At most ", "town")):
            start = f"{at_most if branches else ''}{len(asked)} "
            right = intros[name][said].startswith(start) and word in intros[name][said]
            demo.need(right, f"survey {name}: intro {said}")


def _survey_question(demo: Demo, survey_name: str, question: dict[str, Any], ids: set[str]) -> None:
    demo.need("show_if" not in question or question["show_if"]["question"] in ids, question["id"])
    for choice in question.get("choices", []):
        said = f"{choice['id']} {choice['it']} {choice['en']}"
        demo.need(not re.search(HEALTH, said, re.I), f"survey {survey_name}/{question['id']}: health data")


def notifications(demo: Demo) -> None:
    found = demo.by_id(demo["notifications"]["notifications"], "notifications")
    demo.need(sum(one["core"] for one in found.values()) == 17, "17 core notifications")
    for id, one in found.items():
        _texts_of(demo, id, one)
        _trigger_of(demo, id, one)
    club = [one["trigger"] for one in found.values() if one["trigger"]["event"] == "job_club.meeting"]
    demo.need({trigger.get("delay") for trigger in club} == {None, "-2h"}, "Job Club: the day before and 2 h before")
    _changes_of_events(demo, found)
    _offers(demo, found)


def _texts_of(demo: Demo, id: str, one: dict[str, Any]) -> None:
    for said, text in one["text"].items():
        demo.need(set(re.findall(r"{(\w+)}", text)) == set(one["variables"]), f"{id} {said} variables")
        demo.need(len(text) <= 700, f"{id} {said} too long")
        bare = text.startswith("{") or text.rstrip().endswith("}")
        demo.need(not bare, f"{id} {said} starts or ends with a variable")
    demo.need(len(one["buttons"]) <= 3, f"{id} buttons")
    for button in one["buttons"]:
        for said in ("it", "en"):
            demo.need(len(button[said]) <= 20, f"{id} button {button[said]}")


def _trigger_of(demo: Demo, id: str, one: dict[str, Any]) -> None:
    trigger = one["trigger"]
    demo.need("at" not in trigger or not _is_quiet(demo, trigger["at"]), f"{id} falls in quiet hours")
    if re.search(r"\bdomani\b|\btomorrow\b", " ".join(one["text"].values())):
        day_before = trigger.get("days_before") == 1 or trigger.get("delay") == "-24h"
        demo.need(day_before, f"{id} says tomorrow on another day")
    if trigger["event"] == "job_club.meeting" and trigger.get("delay") != "-2h":
        evening = trigger.get("days_before") == 1 and trigger.get("at") == "18:00"
        demo.need(evening, f"{id} the day before at 18:00")


def _is_quiet(demo: Demo, at: str) -> bool:
    quiet = demo["notifications"]["rules"]["quiet_hours"]
    return not quiet["end"] <= at < quiet["start"]


def _changes_of_events(demo: Demo, found: Rows) -> None:
    three = {"event_moved", "event_cancelled", "event_remote"}
    demo.need("event_changed" not in found and three <= set(found), "moved, cancelled and remote are three notices")
    moved, cancelled, remote = (found[name] for name in ("event_moved", "event_cancelled", "event_remote"))
    demo.need({"new_date", "new_time", "new_place"} <= set(moved["variables"]), "event_moved says when and where")
    new = any(name.startswith("new_") for name in cancelled["variables"])
    confirms = "confirm" in {button["action"] for button in cancelled["buttons"]}
    demo.need(not new and not confirms, "event_cancelled has no new date to confirm")
    demo.need("link" in remote["variables"], "event_remote has the link")


def _offers(demo: Demo, found: Rows) -> None:
    matched = [one for one in found.values() if one["trigger"]["event"] == "opportunity.matched"]
    asks = {one["applies_to"]["money_line"]: set(one["variables"]) & {"pay", "indemnity"} for one in matched}
    right = asks == {"none": set(), "pay": {"pay"}, "indemnity": {"indemnity"}}
    lines = {demo.money_line(offer) for offer in demo.opportunities.values()}
    demo.need(right and lines <= set(asks), "new_opportunity asks only for money that is there")


def meetings(demo: Demo) -> None:
    times = [one["time"] for one in demo.workshops.values()]
    times += [club["recurrence"]["time"] for club in demo["job_clubs"]["job_clubs"]]
    for at in times:
        reminded = not _is_quiet(demo, at) and int(at[:2]) - 2 >= 8
        demo.need(reminded, f"meeting at {at}: a reminder falls in quiet hours")


def figures(demo: Demo) -> None:
    """What the seeds say, and invented splits that add up to it."""
    seed = {figure["id"]: figure["value"] for figure in demo["statistics"]["seed_figures"]}
    before = seed["placements_total"] - seed["placements_2019"] - seed["placements_2020"]
    demo.need(before == 178, "178")
    received = demo.funds["fsc"]["received_by_programmes"][0]["amount_eur"]
    demo.need(seed["ipl_received_from_fsc_2021_eur"] == received, "fsc: one figure in two files")
    split = demo["statistics"]["demo_by_union"]["rows"]
    demo.need({part["union"] for part in split} <= demo.unions, "unions")
    placements, firms = (sum(part[name] for part in split) for name in ("placements", "firms"))
    right = placements == seed["placements_2020"] and firms == seed["firms_collaborating"]
    demo.need(right, "split totals")


def first_notice(demo: Demo) -> None:
    """The privacy notice that opens the first conversation fits in one message, with the desk's own name in it."""
    for said, text in demo["privacy_notice"]["layer_1"].items():
        for name in re.findall(r"{(\w+)}", text):
            demo.need(name in demo["service"], f"layer_1 {said}: service.yaml does not say {name}")
            text = text.replace("{" + name + "}", str(demo["service"].get(name)))
        demo.need(len(text) <= 700, f"layer_1 {said}: {len(text)} characters")


def both_languages(demo: Demo) -> None:
    for path, said in demo.in_two_languages():
        demo.need(said.get("en") and type(said["it"]) is type(said["en"]), f"no English at {path}")


CHECKS: tuple[Callable[[Demo], None], ...] = (
    codes_are_quoted,
    territories,
    programmes,
    organisations,
    people,
    jobseekers,
    opportunities,
    jobs_and_internships,
    public_works,
    mobility,
    academy,
    training_proposals,
    funded_courses,
    workshops,
    work_design,
    job_clubs,
    target_groups,
    enterprise,
    funds,
    questions,
    survey,
    notifications,
    meetings,
    figures,
    first_notice,
    both_languages,
)


def hardest(demo: Demo) -> tuple[float, str]:
    """The Italian text that is hardest to read: its Gulpease index, and where it stands."""
    textstat.set_lang("it")
    spoken = [(path, re.sub(r"{\w+}", "Anna", said).replace("\n", ". ")) for path, said in demo.texts]
    return min((textstat.gulpease_index(said), path) for path, said in spoken if len(said.split()) >= 8)
