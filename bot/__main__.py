# SPDX-License-Identifier: EUPL-1.2
"""`python -m bot` is `sportello`."""

from bot.cli import main

if __name__ == "__main__":
    main()
