"""Measurements that are run on purpose: overhead per trial, import cost, search quality.  `README.md` says how."""
