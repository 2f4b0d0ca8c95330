# SPDX-License-Identifier: EUPL-1.2
"""WhatsApp, through Twilio: what comes in, what goes out, and what it means when something goes wrong."""
