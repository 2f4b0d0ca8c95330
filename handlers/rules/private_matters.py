# SPDX-License-Identifier: EUPL-1.2
"""What this chat never asks about, when people bring it up: the list of Law 68, money, trials. Pure."""

from typing import Literal

from handlers.rules.plain_letters import any_of, plain

Matter = Literal["placement", "money", "law"]

MATTERS: tuple[tuple[Matter, str], ...] = (
    (
        "placement",
        r"""
        collocamento (mirato|disabili|per disabili|obbligatorio) | legge 68 | l\.? ?68/(19)?99
        categori[ae] protett[ae] | persone con disabilita | people with (a )?disabilit(y|ies)
        targeted placement | law 68 | protected categor(y|ies) | (disabili|invalidi)( civili)?
        for (the )?disabled( people)?
        """,
    ),
    (
        "law",
        r"""
        (in|dal|uscit[oa] (dal|dalla|di)) (carcere|prigione|galera) | ex detenut[oa] | detenut[oa]
        precedenti penali | fedina penale | casellario( giudiziale)? | (sono stat[oa] )?condannat[oa]
        arresti domiciliari | ai domiciliari | (mio )?processo penale | pena sospesa | messa alla prova
        (in|from|out of) (prison|jail) | criminal record | convicted | house arrest
        """,
    ),
    (
        "money",
        r"""
        isee | (?<!carta di )debit[oi](?! formativ) | indebitat[oa] | pignorament\w* | pignorat[oa]
        non ho (piu )?(soldi|denaro) | senza soldi | sfratt\w+ | (il mio|mio) reddito | non (riesco a|posso) pagare
        (mutuo|prestito) da pagare | debts? | in debt | no money | my income | eviction | evicted
        (can't|cannot) pay
        """,
    ),
)
PATTERNS = [(matter, any_of(phrases)) for matter, phrases in MATTERS]
# Who works there speaks of a trade.
TRADE = any_of(r"""
    lavor\w* con (le |dei |i )?(persone con )?disabil\w*
    lavor\w* in (un )?carcere | work(ed|ing)? in (a )?prison | volontari\w* | educat\w* | assist\w* | corso | oss
""")
FARTHEST = 300  # characters that are looked at


def matter_in(text: str) -> Matter | None:
    """Which of them a text speaks of, if one."""
    said = " ".join(plain(text[:FARTHEST]).text.split())
    if TRADE.search(said):
        return None
    return next((matter for matter, pattern in PATTERNS if pattern.search(said)), None)
