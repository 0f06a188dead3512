"""The version, where everything can import it without the root package."""

__version__ = "0.1.0"
