"""`edge-tagger tag --out`: from options to objects, then photos to the journal, and the journal to files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_tagger.cli.bulk_options import SHOPS, BulkOptions
from edge_tagger.temporary import temporary_folder
from edge_tagger.terminal import echo

if TYPE_CHECKING:
    from edge_tagger.bulk.job import Counts, Job
    from edge_tagger.bulk.journal import Journal
    from edge_tagger.bulk.output import Output, Written
    from edge_tagger.bulk.shop_export import ShopExport
    from edge_tagger.bulk.source import Source
    from edge_tagger.shops.review import Bands
    from edge_tagger.tagger import Tagger


def tag_bulk(
    inputs: Sequence[str], tagger: Tagger, arguments: Mapping[str, Any], options: BulkOptions, workers: int | None
) -> int:
    """The exit code: that of a photo that cannot be read where there is one, else 0. Raises EdgeTaggerError."""
    from edge_tagger.bulk.job import Job
    from edge_tagger.bulk.journal import Journal
    from edge_tagger.bulk.settings import settings_of
    from edge_tagger.cli.bulk_outputs import check_bulk_outputs
    from edge_tagger.colours.palette import Palette
    from edge_tagger.errors import PhotoError

    shop = options.format_name if options.format_name in SHOPS else None
    source = _source(inputs, options, shop)
    with _journal_path(options) as path:
        check_bulk_outputs(inputs, source, arguments, options, path)
        export = _shop_export(shop, source, tagger, options) if shop is not None else None
        output = _output(source, export, tagger, options)
        palette = Palette.read(options.palette) if options.colours else None
        settings = settings_of(tagger, arguments, palette)
        with Journal(path, settings, resume=options.resume, overwrite=options.overwrite, tell=tell) as journal:
            job = Job(tagger, source, journal, workers, palette)
            _run(job, inputs, options)
            if options.dry_run:
                assert export is not None
                _print_changes(export, journal, options)
                return PhotoError.exit_code if job.counts.failed + job.counts.refused else 0
            assert options.out is not None
            written = _write(output, options.out, journal, options)
    _tell_written(written, export)
    return PhotoError.exit_code if written.failed else 0


def _run(job: Job, inputs: Sequence[str], options: BulkOptions) -> None:
    from edge_tagger.catalogue.source import PHOTO_SUFFIXES
    from edge_tagger.errors import CatalogueError

    try:
        job.run()
    except KeyboardInterrupt:
        if keeps_journal(options):
            tell(f"Stopped; {job.journal.path} keeps what is done. Go on with the same command and --resume")
        raise
    if job.counts.total == 0:
        suffixes = ", ".join(sorted(PHOTO_SUFFIXES))
        raise CatalogueError(f"{', '.join(inputs[:3])}: no photos there; files that end in {suffixes} are taken")
    _tell_counts(job.counts, job.journal)


def _write(output: Output, out: Path, journal: Journal, options: BulkOptions) -> Written:
    from edge_tagger.bulk.output import beside
    from edge_tagger.errors import OutputError
    from edge_tagger.files import sweep

    for path in (out, beside(out, "failures"), beside(out, "review")):
        sweep(path)
    try:
        return output.write(out, journal)
    except OutputError as error:
        if not keeps_journal(options):
            raise
        raise OutputError(f"{error}; {journal.path} keeps all tags: make room, run again with --resume") from error


def tell(line: str) -> None:
    echo(line, err=True)


def _source(inputs: Sequence[str], options: BulkOptions, shop: str | None) -> Source:
    from edge_tagger.bulk.inputs import open_source

    try:
        return open_source(
            inputs,
            shop=shop,
            image_column=options.image_column,
            folder=options.folder,
            encoding=options.encoding,
            tell=tell,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _bands(options: BulkOptions) -> Bands | None:
    from edge_tagger.shops.review import DEFAULT_BANDS, Bands

    if not options.review:
        return None
    return DEFAULT_BANDS if options.bands is None else Bands(*options.bands)


def _output(source: Source, export: ShopExport | None, tagger: Tagger, options: BulkOptions) -> Output:
    from edge_tagger.bulk.formats import require_packages
    from edge_tagger.bulk.output import ShopOutput, TableOutput
    from edge_tagger.bulk.table import Table

    bands = _bands(options)
    if export is not None:
        return ShopOutput(
            export, None if bands is None else Table(("product", "photo"), tagger.facets, bands, options.colours)
        )
    require_packages(options.format_name)
    return TableOutput(options.format_name, source, Table(source.columns, tagger.facets, bands, options.colours))


def _shop_export(shop: str, source: Source, tagger: Tagger, options: BulkOptions) -> ShopExport:
    from edge_tagger.bulk.rows import ProductRows
    from edge_tagger.bulk.shop_export import ShopExport
    from edge_tagger.bulk.source import PhotoFiles
    from edge_tagger.errors import ModelError
    from edge_tagger.shops.mapping import TaxonomyMapping
    from edge_tagger.shops.merge import Policy, TagMerger

    assert isinstance(source, ProductRows | PhotoFiles)
    if tagger.manifest is None:
        raise ModelError(
            f"{tagger.model.name} has labels alone; --format {shop} needs a model with facets, which edge-tagger wrote"
        )
    taxonomy = tagger.manifest.taxonomy
    try:
        policy = Policy.of(options.policy, [facet.name for facet in taxonomy.facets])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--policy") from error
    mapping = TaxonomyMapping.read(options.mapping)
    if options.mapping is not None:
        mapping.require_tags_of(taxonomy)
    return ShopExport(shop, source, TagMerger(taxonomy, policy, tagger.display_names), mapping, tell)


def keeps_journal(options: BulkOptions) -> bool:
    """Whether there is a place for a journal: it is named, or stands beside a file."""
    from edge_tagger.destination import is_regular

    return options.journal is not None or (options.out is not None and is_regular(options.out))


@contextmanager
def _journal_path(options: BulkOptions) -> Iterator[Path]:
    """The journal that is named, or beside the output; a temporary one for a dry run or a device without one."""
    if options.journal is not None:
        yield options.journal
    elif keeps_journal(options):
        yield Path(f"{options.out}.journal")
    else:
        with temporary_folder() as folder:
            yield folder / "journal"


def _print_changes(export: ShopExport, journal: Journal, options: BulkOptions) -> None:
    products = set[str]()
    for change in export.changes(journal):
        products.add(change.product)
        echo(str(change))
    _tell_unmapped(export)
    tell(f"{len(products)} products would change; no file was written")
    if options.out is not None:
        tell(f"{journal.path} keeps the tags: with --resume instead of --dry-run no photo is tagged again")


def _tell_counts(counts: Counts, journal: Journal) -> None:
    kept = f", {counts.kept} were in {journal.path}" if counts.kept else ""
    changed = f" ({counts.changed} files were changed since they were tagged)" if counts.changed else ""
    tell(f"tagged {counts.tagged} photos{changed}{kept}, {counts.failed + counts.refused} failed")
    if without := journal.index.count_without_photo():
        tell(f"{without} products have no photo in the CSV; they are left as they are")


def _tell_written(written: Written, export: ShopExport | None) -> None:
    if export is not None:
        _tell_unmapped(export)
    if written.failed:
        tell(f"{written.failed} photos could not be tagged: see {written.files[-1]}")
    tell(f"wrote {', '.join(map(str, written.files))}")


def _tell_unmapped(export: ShopExport) -> None:
    if export.unmapped:
        listed = ", ".join(f"{tag} ({count})" for tag, count in export.unmapped.most_common())
        tell(f"no category of {export.shop} for {listed}: those cells were left; see --mapping")
