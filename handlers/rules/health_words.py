# SPDX-License-Identifier: EUPL-1.2
"""Whether somebody writes about their own health, or that of somebody close, and with which words. Pure."""

import re
from itertools import pairwise

from handlers.rules.plain_letters import any_of, plain

MASK = "●●●"

# Words by what they mean; a language more is a line more in each. They are looked for as whole words, without accents.
# Letters at the end may be any where a word ends in "*".
ILLNESSES = """
    malattia, malattie, malatia, malatie, patologia, patologie, diagnosi
    diabet*, insulina, epiles*, epilettic*, tumore, tumori, cancro, leucemia, linfoma, metastasi
    hiv, aids, sieropositiv*, epatite, tubercolosi, tbc, cirrosi, infarto, ictus, aneurisma, cardiopat*, cardiopatic*
    ipertensione, ipertes*, insufficienza renale, insufficienza cardiaca, insufficienza respiratoria, dialisi, trapianto
    trapiantat*, sclerosi, sclerosi multipla, parkinson, alzheimer, demenza, demenza senile, asma bronchiale, asmatic*
    autismo, autistic*, asperger, adhd, dislessia, dislessic*, sindrome di down, celiachia, celiac*, endometriosi
    fibromialgia, artrite, artrosi, osteoporosi, ernia, ernia del disco, scoliosi, sciatica, psoriasi, morbo di crohn
    depres*, bipolare, schizofreni*, psicosi, psicotic*, borderline, anoressia, anoressic*, bulimia
    bulimic*, attacchi di panico, attacco di panico, esaurimento nervoso, problemi psichici, problemi psichiatrici
    disturbo mentale, disturbi mentali, disturbo psichico, disturbi psichici, disturbo d'ansia, disturbi d'ansia
    disturbi alimentari, disturbo alimentare, problemi mentali, problemi di salute, problema di salute, salute mentale
    tossicodipenden*, alcolist*, alcolismo, alcolizzat*, problemi di alcol, problemi di droga
    sert, serd, centro di salute mentale, csm
    illness, illnesses, disease, diseases, diabetes, diabetic, epilepsy, epileptic, cancer, tumour, tumor, leukaemia
    leukemia, hepatitis, tuberculosis, heart attack, heart disease, stroke, multiple sclerosis, dementia, autism
    autistic, dyslexia, dyslexic, coeliac, celiac disease, arthritis, depression, depressed, bipolar, schizophrenia
    schizophrenic, panic attack, panic attacks, anxiety disorder, mental disorder, mental health, mental illness
    health problem, health problems, health issue, health issues, ptsd, anorexia, anorexic, bulimia, alcoholic, addict
    drug addiction, asthmatic, medical condition
"""
DISABILITIES = """
    invalidita, invalidita civile, invalido, invalida, invalidi, invalide, invalido civile, invalida civile
    inabile al lavoro, inabilita, disabile, disabili, disabilita, diversamente abile, diversamente abili, handicap
    handicappat*, portatore di handicap, portatrice di handicap, sedia a rotelle, in carrozzina, in carrozzella
    stampelle, non vedente, ipovedente, sordomut*, ipoudente, apparecchio acustico, protesi, amputat*, paraplegic*
    tetraplegic*, paralizzat*, accompagnamento inps, indennita di accompagnamento
    disabled, disability, disabilities, handicapped, wheelchair, crutches, hearing aid, hearing aids, visually impaired
    hearing impaired, amputee, paraplegic, paralysed, paralyzed
"""
CARE = """
    chemio, chemioterapia, radioterapia, psicofarmac*, antidepressiv*, ansiolitic*, metadone, ricoverat*, ricovero
    febbre, febre, intervento chirurgico
    incinta, incinte, in cinta, gravidanza, aborto, abortito, parto cesareo, partorire
    chemotherapy, chemo, antidepressants, antidepressant, methadone, pregnant, pregnancy, miscarriage, abortion, insulin
"""
# Said of somebody, these are about health whatever else stands in the sentence.
SAID_OF_SOMEBODY = r"""
    <is> (<very> )?(malat[oaie]|ammalat[oaie]|inferm[oa]|cieco|cieca|sord[oa]|celiac[oa]|ferit[oa] grave|incita)
    <is> (<very> )?(raffreddat[oa]|influenzat[oa](?! da))
    <is> (<very> )?in (malattia|mutua|dialisi|coma|infortunio|stampelle)
    <has> (<some> ?)*(asma|ansia|sla|feb+re|influenza|covid|polmonite|tosse|allergi[ae]|pressione alta|raffreddore)
    <has> (<some> ?)*(varicella|morbillo|bronchite|gastrite|otite)
    <has> (<some> ?)*(mal di \w+|dolori \w+|tunnel carpale|infortunio|esaurimento|vertigini)
    <has> (<some> ?)*(dolor[ei]|male) <at>?<body>
    mi (fa|fanno) (<very> |tanto )?male <at>?<body>
    <body> (rott[oa]|fratturat[oa]|ingessat[oa]) | (ho|ha) (rotto|fratturato) <at>?<body>
    aspett(o|a|iamo) (un|una) (altr[oa] )?(bambin[oa]|figli[oa]|bimb[oa]|bebe)
    allergic[oa] al?\b\S*( \w+)?
    (sto|mi sento|sentivo|stavo) ((molto|tanto|troppo) )?(male|malissimo)
    <close> (sta|stanno) ((molto|tanto) )?(male|malissimo)
    non (sto|mi sento) ((molto|tanto) )?bene(?! (in|nel|nella|a|al|con|qui|li)\b) | mi sento poco bene
    non (ci )?(vedo|sento) da un \w+ | non (ci )?(vedo|sento) (piu|bene)(?= (da|con|per|e)\b| *(,|$))
    non ci (vedo|sento)(?= *(,|$))
    non (posso|riesco a) (piu )?(camminare|sollevare( pesi)?|fare sforzi|(alzare|portare) (i )?(pesi|cose pesanti))
    non (posso|riesco a) (piu )?stare ((molto|tanto|troppo|a lungo) )?in piedi
    (prendo|assumo|prende) (<many> )*(farmac[oi]|medicin[ae]|medicinal[ei]|psicofarmac[oi]|pastiglie|pillole)
    ((sono|ero) (in )?|e in )(cura|terapia) (da|dal|dalla|dallo|al|alla|per|con|psic\w+)
    (faccio|seguo|devo fare|sto facendo|ho fatto) (una |la )?(terapia|fisioterapia|psicoterapia)
    (vado|andat[oa]|stat[oa]|seguit[oa]|visita|cura) (da|dal|dallo|dalla) (uno |una )?<doctor>
    <was> (appena |dovut[oa] )?(operat[oa]|operare|operarmi|ricoverat[oa]|ricoverare)( <where>)? | mi operano
    (devo|dovro) fare (un'|una )?operazione(?! (in|di|con|sul|alla|bancaria)\b)
    (sono|ero|sono stat[oa]|sta|e|finit[oa]|uscit[oa]|dimess[oa]) (appena |ancora )?<hospital>
    <close> <hospital>
    mi sono (rott[oa]|fratturat[oa]|fatt[oa] male)( (a |al |alla )?(un |una |il |la |lo |l')?\w+)?
    (intervento|operazione) <at><body>
    problem[ai] (al|alla|allo|alle|agli|ai|di|a|con il|con la|con le) <body>
    problem[ai] (cardiac|renal|respirator|psicologic|fisic|motor|neurologic)\w+
    dipendenza da (alcol|alcool|droga|droghe|gioco|cocaina|eroina|sostanze|farmaci)
    (legge|articolo|art\.?|permess[oi]|l\.) ?(la |della )?104(/(19)?92)? | 104/(19)?92
    (ho|con|prendo|uso|usufruisco della|beneficiario della|per) la 104
    (sono|appartengo|rientro|faccio parte|iscritt[oa]|come) ((una|in|di|a|alle|nelle|delle) )?categori[ae] protett[ae]
    (la )?mia percentuale (di \w+ |e |del |dell'|al |all')*<figure>?
    <figure> (di )?(invalidita|disabilita|inabilita)( civile)?
    (invalidita|invalid[oa]|disabilita|inabilita)( civile)?( <granted>)? ?(del|dell'|al|all'|di|a|:)? ?<figure>

    <am> (<quite> )?(sick(?! (of|and))|ill|unwell|blind|deaf|in hospital|in the hospital|an invalid)
    not (feeling|feel) (well|good) | don't feel (well|good) | broken <part> | my <part> hurts?
    <am> (<quite> )?(on medication|in therapy|on sick leave)
    <have> (<bit> )*(asthma|anxiety|fever|flu|covid|pneumonia|allerg(y|ies)|hiv|aids|adhd|epilepsy)
    <have> (<bit> )*(high blood pressure|back pain|chronic pain|pains? in my \w+|bad back)
    allergic to \w+
    (was|is|am|been) (admitted|taken) to (the )?hospital | (came|come|coming) (out of|home from) (the )?hospital
    (had|have|need|having) (an? |my )?(surgery|operation on my \w+|hip replacement)
    (take|taking|on) (my |some |strong |daily )*(medications?|medicines?|pills|painkillers)
    (see|seeing|saw) a (psychiatrist|psychologist|therapist)
    can(not|'t| not) (walk|stand for long|lift weights|lift heavy things)
    i (broke|have broken|injured|hurt) my \w+
    heart (problems?|condition|trouble) | (back|kidney|heart|lung|liver) problems?
"""
PIECES = {
    "is": "(sono|sei|e|ero|era|siamo|sta|stato|stata|resto|mi sento|essendo)",
    "very": "(molto|un po'|spesso|sempre|anche|purtroppo|di nuovo)",
    "has": "(ho|ha|tengo|tiene|avevo|aveva|abbiamo|soffro|soffre|soffrivo|con)",
    "some": r"(d'|l'|un'|(di|la|il|i|un|una|dei|delle|molt[ao]|tant[ao]|forte|spesso|ancora|avuto)\b)",
    "many": "(dei|delle|molti|molte|tanti|tante|i|le|gli|gia|tutti i giorni)",
    "doctor": "(psichiatra|psicolog[oa]|psicoterapeuta|oncolog[oa]|cardiolog[oa]|neurolog[oa])",
    "was": "(mi hanno|mi devono|devo|sono stat[oa]|mi sono fatt[oa]|e stat[oa])",
    "where": r"((al|alla|allo|di|del|della|agli|alle) |all')\w+",
    "body": (
        "(cuore|schiena|ginocchi[oa]?|salute|polmoni|reni|vista|udito|gamb[ae]|bracci[oa]|man[io]|testa|stomaco|pancia"
        "|pied[ei]|spall[ae]|collo|occhi[o]?|orecchi[oe]?|dent[ei]|anc[ah]e?|seno|cervello|fegato|menisco|polso|ossa)"
    ),
    "at": "((a|al|alla|allo|alle|ai|agli|di|nel|nella|il|la|lo|le|i|gli|un|una|mio|mia) |(al)?l')",
    "hospital": r"(in |a |al |all?'|nell'|dal |dall')(ospedale|hospital)(?! ((a|per) )?lavor)",
    "close": (
        "(mi[oa] |mi(ei|e) )?(marito|moglie|mamma|madre|papa|padre|figli[oaie]?|bambin[oaie]|fratello|sorella|nonn[oa]"
        "|compagn[oa]|suocer[oa]|genitori)"
    ),
    "part": "(back|leg|arm|hand|foot|knee|head|stomach|neck|shoulder|wrist|ankle)",
    "figure": r"(\d{1,3} ?(%|per ?cento)?)",
    "work": r"(lavor\w*|post[oi]|offert[ae]|tirocin\w*|cors[oi]|concors[oi]|assunzion[ei])",
    "granted": "(riconosciuta|certificata|pari|superiore)",
    "am": "(i am|i'm|im|i was|i have been|i've been|she is|he is|feel|feeling|is|are)",
    "quite": "(very|often|always|quite|really|too|not)",
    "have": "(i have|i've got|i've|i had|has|have|suffer from|suffers from|suffering from|with)",
    "bit": "(a|an|the|severe|chronic|some|got|had|my)",
}
# Our own names for things, and what they are called at every desk: they say nothing of anybody.
OURS = r"""
    persone con (una )?disabilita | people with (a )?disabilit(y|ies) | lavoro e disabilita | work and disability
    collocamento (mirato|disabili|per disabili|dei disabili)
    <work> ((riservat|adatt)[oaie] )?(per|a|ai|agli) ((i|gli|le|persone) )?(disabili|invalidi|portatori di handicap)
    (jobs?|work|places?|courses?|internships?) for (the )?disabled( people)?
    disabled (button|account|link|chat|phone|toilet|parking)
    (account|button|link|chat|app|phone) (is|was) disabled
    (codice|numero|link|indirizzo|documento|biglietto|permesso|password) (e |era |non )*invalid[oa]
    <has> (<some> ?)*ansia (per|prima|di|da) (\w+ )?(colloqui\w*|esam[ei]|test|prov[ae]|curriculum|cv)
    diagnosi (auto\w*|elettr\w+|energetic\w+|meccanic\w+|tecnic\w+|motor\w+|veicol\w+|guasti|computer)
    trapianto (di |delle |dei )?(pian\w+|ortaggi|alberi|fiori|viti)
    depressione (economica|atmosferica) | economic depression | (malattie|malattia) delle piante
    tropico del cancro
"""
# Who looks after others, learns to, or works where they are cared for, speaks of a trade.
TRADES = r"""
    badant[ei] | oss | asa | osa | infermier\w* | educat\w* | assist\w* | accud\w* | caregiver | carer | carers
    nurse\w* | nursing | operat(ore|rice|ori)\b | cors[oi] | formazione | qualifica | attestato | diploma
    laurea\w* | studi\w* | esperienz\w* | tirocin\w* | lavor\w* (con|per|come|in|nel|nella|nelle|presso|da|al|alla)
    volontari\w* | pulizi[ae] | autist[ai] | fisioterapist\w* | terapist\w* | medic[oi] di | dottor\w*
    farmacist\w* | farmacia | reparto | clinica | casa di riposo | rsa | comunita | cooperativ\w* | insegnant\w*
    accesso | accessibil\w* | rampa | laboratorio | ricerca (su|sul|sulla|sulle) | associazione | prevenzione
    meccanic[oai] | elettrauto | officina | potatura | giardin\w* | vivaio | baby ?sitter\w* | tata
    oncologi[ac] | sostegno | accompagn(o|are|ato|avo)\b | cura (di|delle|degli|dei)\b | prendersi cura
    prendermi cura | curare | work(ed|ing|s)? (with|in|as|for|at) | experience | course | training | degree
    qualification | assistant | assisting | caring for | care (for|of|worker|assistant|home) | taking care
    look(ing|ed)? after | volunteer\w* | cleaner | driver | support worker | teacher | teach\w* | access
    accessible | ramp | research | charity | patients?
"""
# What says that it is one's own, or somebody's close by.
ONES_OWN = r"""
    ho | abbiamo | avevo | avro | soffro | sono | ero | siamo | mi | mio | mia | miei | mie | nostr[oaie] | essendo
    i have | i've | i had | i am | i'm | im | i was | i suffer | my | our | me
"""


def _phrases(listed: str) -> str:
    """The words of a list, one on each line."""
    words = (one.strip() for line in listed.splitlines() for one in line.split(","))
    return "\n".join(re.escape(one).replace(r"\*", r"\w*") for one in words if one)


SICK = r"(malat[oaie]|amalat[oaie]|malad[oa])( (di|da|cronic[oaie]|terminal[ei]|grav[ei]|oncologic[oaie])( [a-z']+)?)?"
NAMED = any_of("\n".join([SICK, *map(_phrases, (ILLNESSES, DISABILITIES, CARE))]))
SAID = any_of(SAID_OF_SOMEBODY, PIECES)
OUR_OWN, TRADE, OWN = any_of(OURS, PIECES), any_of(TRADES), any_of(ONES_OWN)
SENTENCE = re.compile(r"[^.!?;\n]+(?:\.(?=\w)[^.!?;\n]*)*")


def masked(text: str) -> str:
    """The text with a sign in the place of each such word."""
    ends = [(0, 0), *find(text), (len(text), len(text))]
    return MASK.join(text[end:start] for (_start, end), (start, _end) in pairwise(ends))


def find(text: str) -> list[tuple[int, int]]:
    """Where in the text such words stand, in order."""
    if len(text) < 3 or text.isdecimal():
        return []
    found = plain(text)
    spans: list[tuple[int, int]] = []
    for sentence in SENTENCE.finditer(found.text):
        spans += _in_sentence(sentence[0], sentence.start())
    return [found.span(start, end) for start, end in _joined(spans)]


def _in_sentence(said: str, at: int) -> list[tuple[int, int]]:
    """Names of illnesses count unless the sentence speaks of a trade, and not of oneself."""
    named = list(NAMED.finditer(said))
    spoken = list(SAID.finditer(said))
    if not named and not spoken:
        return []
    ours = [one.span() for one in OUR_OWN.finditer(said)]
    trades = [one.span() for one in TRADE.finditer(said)]
    spans = [
        one.span()
        for one in (*named, *spoken)
        if not _is_within(one.span(), ours) and (_says_whose(one) or _is_ones_own(one, said, trades))
    ]
    return [(start + at, end + at) for start, end in spans]


def _says_whose(one: re.Match[str]) -> bool:
    """Without accents "is" may be "and", and "with" says nothing of who it is."""
    return one.re is SAID and not one[0].startswith(("e ", "con ", "with "))


def _is_ones_own(one: re.Match[str], said: str, trades: list[tuple[int, int]]) -> bool:
    """Without a trade in the sentence, yes; with one, if what says whose it is stands nearer than the trade."""
    around = [span for span in trades if not _is_within(span, [one.span()])]
    if not around:
        return True
    before = [found.end() for found in OWN.finditer(said, 0, one.start())]
    return bool(before) and not any(before[-1] <= start < one.start() for start, _end in around)


def _is_within(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap or touch, as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
