"""Exports: from the content of a form and its records to the rows of CSV, XLSX and GeoJSON (contract exports §3)."""
