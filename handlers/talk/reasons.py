# SPDX-License-Identifier: EUPL-1.2
"""Why a message was not sent, or not yet, in words for the people of the desk."""

from collections.abc import Mapping

from handlers.talk.text import Text, _

UNKNOWN = _("It did not work. A technician must look.")

# Every code that a message's row can carry; a test looks for the ones that are missing.
REASONS: Mapping[str, Text] = {
    # what a channel says
    "blocked": _("This person has blocked our chat."),
    "deactivated": _("This person is no longer on this channel."),
    "never_wrote": _("This person has never written to us here."),
    "removed": _("We were taken out of this group."),
    "unreachable": _("The channel does not know this chat."),
    "moved": _("The chat has a new number."),
    "flood": _("The channel asked us to slow down."),
    "not_connected": _("The channel could not be reached."),
    "turned_away": _("Something on the way turned the message back."),
    "no_answer": _("The channel did not confirm it. It may have arrived."),
    "refused": _("The channel refused the form of this message. A technician must look."),
    "token": _("The channel does not accept our settings. A technician must look."),
    "conflict": _("Another program uses our account. A technician must look."),
    "misdirected": _("It was given to the wrong channel. A technician must look."),
    "no_channel": _("This channel is not set up here."),
    "region": _("Our account may not write to this country. A technician must look."),
    "sender": _("WhatsApp does not know our number. A technician must look."),
    "account": _("WhatsApp has closed our account. A technician must look."),
    "policy": _("WhatsApp says that this message is against its rules."),
    "form": _("WhatsApp did not accept how this message was made. A technician must look."),
    "template": _("WhatsApp has not approved these words, or no longer. A technician must look."),
    "content": _("WhatsApp did not take this file or these buttons."),
    "window": _("More than a day has passed since the person wrote."),
    "queue": _("Too many of our messages are waiting at the channel."),
    "limit": _("WhatsApp lets us write to no more people for now."),
    "day_full": _("We have sent all that our account may send in a day."),
    "not_wanted": _("WhatsApp spares the person messages of this kind."),
    "experiment": _("WhatsApp brings this person no such messages for now."),
    "sandbox": _("This phone has not joined the test network."),
    "away": _("The channel had a fault of its own."),
    "not_found": _("The channel does not find our account. A technician must look."),
    "foreign_file": _("The file does not lie where the channel keeps its files."),
    "no_public_url": _("Our own address is not set up. A technician must look."),
    "undelivered": _("The channel could not bring it to the phone."),
    "file_too_big": _("The file is too large for this channel."),
    "file_away": _("The channel does not find this file now."),
    # what happened here
    "worker_gone": _("We were interrupted while sending it. It may have arrived."),
    "begin_failed": UNKNOWN,
    "arrived_after_all": _("Not needed: the first message had arrived."),
    "not_on_this_channel": _("This channel cannot do it."),
    "window_shut": _("It waits until the person writes: WhatsApp allows it only then."),
    "other_channel": _("It could not arrive here, and went to the person's other chat."),
    "said_by_template": _("The message after it says all of it."),
    "nothing_to_edit": _("The message it was about never arrived."),
    # what the person wants
    "chat_blocked": _("The chat is closed until the person writes."),
    "person_stopped": _("The person asked for no more messages."),
    "topic_stopped": _("The person asked for no more messages like this."),
    "no_consent": _("The person has not agreed to messages like this."),
    "person_erased": _("The person asked us to delete their data."),
    # what has changed meanwhile
    "no_longer_true": _("It was no longer true when it was due."),
    "too_late": _("It was too late to be of use."),
    "no_open_time_left": _("There was no good hour left to send it."),
    "booking_cancelled": _("The person gave up the place."),
    "offer_accepted": _("The person took the place."),
    "offer_ended": _("The offer was over."),
    "left_the_club": _("The person left the Job Club, or its line."),
    "workshop_moved": _("The appointment was moved."),
    "workshop_called_off": _("The appointment was called off."),
    # what the desk wants
    "cancelled_by_staff": _("Somebody of the desk held it back."),
    # what came in and was not answered
    "taken_over": _("A person of the desk was writing with them."),
    "dialogue_moved_on": _("The person went on with something else."),
    "overtaken": _("It arrived late, after something newer: it answers nothing any more."),
    "looping": _("This looked like a machine that answers a machine."),
}


def why(code: str) -> Text:
    """The reason in words; a code nobody foresaw gets a sentence as well."""
    return REASONS.get(code, UNKNOWN)
