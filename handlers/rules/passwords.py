# SPDX-License-Identifier: EUPL-1.2
"""What a password must be: long, and neither one's own name nor what everybody takes."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

LEAST, MOST = 12, 128  # characters; a longer one would only keep the machine busy
PIECE = 4  # letters from which on a part of a name counts

Weakness = Literal["too_short", "too_long", "own_name", "too_common"]

# What those who break in try first: long enough to pass for a password, and everybody's. Written without digits at
# the end, capitals and blanks, as ``bare`` leaves them.
_WORDS = """
aaaa aaaaaaaaaaaa abc abcabc abcabcabc abcabcabcabc abcd abcdabcdabcd abcdef abcdefgh abcdefghi abcdefghijkl
abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz accesso accessolibero admin adminadmin administrator
administratoradministrator agosto alessandra alessandro amministratore amministratrice amministrazione amore
amoreamore amoremio amoremiobello amoremiotiamo andrea andreaandrea android angelo angelomio antonella apple april
aprile aprimi apriti apritisesamo arrivederci asdfasdf asdfasdfasdf asdfgh asdfghjkl asdfghjklasdf august autumn
autunno azerty azertyuiop bambina bambino baseball basketball batman batmanbatman bellaitalia benvenuta benvenuti
benvenuto benvenutobenvenuto boh bohboh bohbohboh bologna buonanotte buonasera buongiorno cambialapassword cambiami
centroimpiego centroperlimpiego cercolavoro changeme changemenow changepassword changethis chiara chiaveaccesso ciao
ciaoatutti ciaobella ciaociao ciaociaociao colosseo computer computercomputer comune comunedi correcthorse
correcthorsebatterystaple cristianoronaldo cuoremio dammientrare dantealighieri database december default delpiero
demo demodemo demodemodemo dicembre diegomaradona domenica dragon dragonball dragondragon emiliaromagna entrare
entrata esempio estate facebook famiglia famigliamia fammientrare febbraio february federica federico ferrari
ferrariferrari figlio firenze football footballclub formazione formazionelavoro forzabologna forzainter forzaitalia
forzajuve forzajuventus forzamilan forzanapoli forzaroma forzatorino francesca francesco francescototti freedom
friday garibaldi gennaio genova gioiamia giovanni giovedi giugno giulia giuseppe google googlegoogle guest
guestguest ilovemyfamily iloveyou iloveyoumore iloveyousomuch instagram intermilano internazionale internet inverno
iphone italia italiaitalia italiani italiano january jennifer jessica july june juventus lamborghini lamiafamiglia
lamiapassword lavoro lavorolavoro leonardo leonardodavinci letmein letmeinnow letmeinplease linux login loginlogin
lombardia lorenzo luglio lunedi maggio mah mamma mammaepapa mammamamma mammamia mammapapa maradona march martedi
martina marzo maserati master masterkey matteo mercoledi messi miapassword michael michelangelo microsoft milano
monday monkey municipio mypassword mysecretpassword napoli napolicampione nessuna nessuno network newpassword niente
nonloso nonlosoproprio nonmelaricordo nonricordo nonricordopassword november novembre nuovapassword october
oldpassword opensesame oracle ottobre p@ssw p@ssw0rd p@ssword pa$$w0rd pa$$word palermo papa paperino
paperinopaolino paperopoli parolachiave parolaordine parolasegreta pass passpass passw passw0rd password
passwordlunga passwordlunghissima passwordnuova passwordpassword passwordsicura peppapig piemonte pinocchio pippo
pippopippo pippopippopippo pluto plutopluto pokemon primavera princess princesse principessa prova provaprova
provaprovaprova provincia provvisoria q1w2e3r4t5 q1w2e3r4t5y6 qazwsx qazwsxedc qazwsxedcrfv qualsiasi qualunque
questaelapassword questaemiapassword questapassword qweasd qweasdzxc qweasdzxcrfv qwerty qwertyqwerty qwertyuiop
qwertyuiopasdf qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertz qwertzuiop regione roma romacaputmundi romaroma
ronaldo root rootroot rootrootroot sabato samsung sardegna saturday secret secretpassword secretsecret segreta
segretissimo segreto september server settembre shadow sicilia signin spiderman sportello sportellolavoro
sportellosportello spring starwars strongpassword summer sunday sunshine superadmin superman superuser sysadmin
telegram temporanea temporaneo temporary tesoro tesoromio test testing testtest testtesttest testuser thepassword
thisisapassword thisismypassword thursday tiamo tiamotantissimo tiamotanto tivogliobene tivogliotantobene topolino
topsecret torino toscana totti trustno trustnoone tuesday ufficio ufficiolavoro unapassword unapasswordlunga user
username useruser valentina valentinorossi venerdi venezia vitamia vitamiatiamo vivalitalia wednesday welcome
welcomeback welcomehome whatever whatsapp wifi wifiwifi windows windowsxp winter wireless yourpassword zxcvbn
zxcvbnm zxcvbnmzxcvbnm
"""
COMMON = frozenset(_WORDS.split())


def weakness(password: str, own: Iterable[str] = ()) -> Weakness | None:
    """Why this is no password, or None; ``own`` is what anybody knows of its owner: their name, their e-mail."""
    if len(password) < LEAST:
        return "too_short"
    if len(password) > MOST:
        return "too_long"
    plain = bare(password)
    if is_common(plain, password):
        return "too_common"
    return "own_name" if len(without(plain, parts_of(own))) < PIECE else None


def is_common(plain: str, password: str) -> bool:
    """Everybody's word with some digits after it; a few characters over and over; a row of digits."""
    return not plain or plain in COMMON or len(set(password.lower())) < 5 or is_row(password)


def is_row(password: str) -> bool:
    """Each character the next one of the alphabet or of the digits, up or down, all the way."""
    steps = {ord(after) - ord(before) for before, after in pairwise(password)}
    return steps <= {1, -9} or steps <= {-1, 9}


def bare(password: str) -> str:
    """In small letters, without blanks, and without what people put behind a word to make it pass."""
    return "".join(password.lower().split()).rstrip("0123456789!?.,;:-_*#@$€%&+=/\\()[]{}'\"").strip()


def parts_of(own: Iterable[str]) -> list[str]:
    """Somebody's name and address, whole and in pieces, the longest first."""
    cut, known = str.maketrans({mark: " " for mark in "@.-_+'’"}), [one.lower() for one in own]
    pieces = {piece for one in known for piece in [one, *one.translate(cut).split()] if len(piece) >= PIECE}
    return sorted(pieces, key=lambda piece: (-len(piece), piece))


def without(plain: str, pieces: Iterable[str]) -> str:
    """What is left of a password once its owner's name is taken out."""
    for piece in pieces:
        plain = plain.replace(piece, "")
    return "".join(letter for letter in bare(plain) if letter.isalnum())
