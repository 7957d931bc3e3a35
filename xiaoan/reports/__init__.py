"""Pages, workbooks and documents that a person keeps: results, papers to print, progress."""
