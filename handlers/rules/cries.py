# SPDX-License-Identifier: EUPL-1.2
"""Whether somebody cries for help: who does not want to live any more, and who is hurt or threatened. Pure."""

from typing import Literal

from handlers.rules.plain_letters import any_of, plain

Cry = Literal["danger", "violence"]

DANGER = any_of(r"""
    (voglio|vorrei|voleva|volevo|preferirei|preferisco|meglio|spero di) (solo )?morire(?! (dal|dalla|di|dallo))
    mi (ammazzo|uccido|suicido|impicco|taglio le vene)(?! (di (lavoro|fatica|studio|ris\w+)|dal(le)? ri\w+)\b)
    mi butto (sotto|dal|dalla|giu(?! (facil|di morale|spesso|sempre|subito|molto|troppo)))
    mi (voglio|vorrei|posso|devo) (ammazzare|uccidere|suicidare|impiccare|buttare (sotto|giu da))
    mi sto (ammazzando|uccidendo|suicidando)(?! di\b) | vorrei essere mort[oa] | meglio mort[oa](?! che)
    (penso|pensato) (al? |il )?suicidio | la faccio finita(?! con\b) | non ha (piu )?senso vivere
    non ce la faccio (piu )?a vivere(?! (a|in|con|qui|da)\b) | i want (to )?kill me
    (voglio|vorrei|penso (di|a)|posso) (ammazzarmi|uccidermi|suicidarmi)
    (voglio|vorrei|penso (di|a)|posso) (impiccarmi|farmi (del )?male|sparire per sempre) | ammazzarmi | uccidermi
    suicidarmi | (al|il|mio|tentato|di) suicidio | pensieri suicidi | farla finita | togliermi la vita
    farmi del male | non (voglio|vorrei) (piu )?vivere(?! (a|in|con|qui|da)\b) | non ho (piu )?voglia di vivere
    stanc[oa] di vivere(?! (a|in|con|qui|da)\b) | non vale la pena (di )?vivere
    (sarebbe|era) meglio (se )?(fossi|essere) mort[oa]
    (want|wanna|would like|wish|going) (to )?die(?! for) | wish i (was|were) dead | kill(ing)? myself
    end(ing)? my life | tak(e|ing) my (own )?life | hurt(ing)? myself on purpose
    (want to|going to|will) hurt myself | harm(ing)? myself | (don't|do not|dont) want to live
    no (reason|will) to live | suicidal | (commit|my|about) suicide | end it all
""")
VIOLENCE = any_of(
    r"""
    mi (ha |hanno |sta |stanno )?(picchi\w+|menan\w*|mena\b|malmen\w+|violent\w+|stupr\w+|strangol\w+)
    mi (ha |hanno |sta |stanno )?(minacci\w+(?! di (licenzi|sfratt|chiud|denunci))|persegui\w+(?! la sf)|stalker\w+)
    mi (ha |hanno )?(prende a|da|dato|tira|tirato) (<many> )?(pugn[io]|calci[o]?|schiaff[oi]|bott[ae])
    picchia (me|noi|i (miei )?(bambini|figli)|mi[oa] (figli[oa]|mamma|madre))
    mi segue (sempre|ovunque|dappertutto|per strada) | vittima di (tratta|sfruttamento)
    mi (ha |hanno |sta |stanno )?(mett\w+ le mani addosso|messo le mani addosso)
    mi (ha |hanno |sta |stanno )?(alza le mani|tiene chius[oa] in casa)
    (mi vuole|vuole|vogliono) (ammazzarmi|uccidermi|ammazzare me|uccidere me)
    mi (vuole|vogliono) (ammazzare|uccidere)
    (sono stat[oa]|stata|stato|fui) (violentat[oa]|stuprat[oa]|picchiat[oa]|abusat[oa]|molestat[oa]|minacciat[oa])
    (subisco|subito|subita|vittima di|vivo|ho subito) (una |delle |la |le |tante )?(violenz[ae]|abus[oi])
    (subisco|subito|subita) (una |delle |la |le |tante )?(maltrattament[oi]|molestie|stalking)
    (vittima di|vivo|ho subito) (una |delle |la |le |tante )?(maltrattament[oi]|molestie|stalking)
    violenza (in casa|domestica (da|di) (mio|parte))
    (ho )?paura (di )?mi(o|a) (ex )?(marit\w|compagn\w|fidanzat\w|padre|fratello|ex|figlio|moglie)
    (beats|hits|hurts|threatens|raped|abuses|abused|strangles|strangled|stalks) me
    (beat|beating|hit|hitting|threatened|threatening|stalking|raping|abusing) me\b(?! to)
    (wants|going|threatened|threatens) to kill me
    i (was|am|have been|got) (being )?(raped|beaten|abused|threatened|stalked|molested)
    victim of (domestic )?(violence|abuse|stalking)
    (afraid|scared) of my (ex\b|ex-?husband|husband|boyfriend|partner|father|brother|son|wife)
""",
    {"many": "(molt[ei]|tant[ei]|un[oa]?|delle|dei|degli|le)"},
)


def cry_in(text: str) -> Cry | None:
    """What somebody needs at once; None where it is something else."""
    if len(text) < 8:
        return None
    said = " ".join(plain(text).text.split())
    if VIOLENCE.search(said):
        return "violence"
    return "danger" if DANGER.search(said) else None
