"""``python -m service`` is ``accessline``."""

from service.cli import main

if __name__ == "__main__":
    main()
