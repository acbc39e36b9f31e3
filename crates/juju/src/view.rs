//! What commands print: documents, and tables for people.
