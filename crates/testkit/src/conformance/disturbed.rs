use super::{assert_same, complete_run, difference, lacks, names, run};
use crate::{Collected, Fixture, Part, RefusedPart};
use headwater_core::{Listing, Path, Visibility};

/// A source that breaks off in the middle of a split is read again, to the same result.
pub async fn retry<F: Fixture>(fixture: &F) {
    let undisturbed = complete_run("retry", fixture).await;
    if !fixture.fail_once().await {
        lacks("retry", "fail_once");
    }
    let run = run("retry", fixture).await;
    for ended in &run.ended {
        if let Err(error) = &ended.result {
            assert!(
                error.kind().is_retryable(),
                "retry: a source that broke off was reported as {}, which is not retryable: {error}",
                error.kind()
            );
        }
    }
    assert!(
        run.is_complete(),
        "retry: the run is not complete after a retry: {:?}",
        run.closed
    );
    assert_same("retry", &undisturbed, &run);
}

/// An asset that was dropped at the source is missing from a namespace that is closed Complete.
pub async fn removal<F: Fixture>(fixture: &F) {
    let before = complete_run("removal", fixture).await;
    let Some(dropped) = fixture.drop_asset().await else {
        lacks("removal", "drop_asset")
    };
    assert!(
        before.assets.contains_key(&dropped),
        "removal: {dropped} was not there before it was dropped"
    );
    let after = complete_run("removal", fixture).await;
    assert!(
        !after.assets.contains_key(&dropped),
        "removal: {dropped} is still reported after it was dropped"
    );
    let others = before
        .assets
        .keys()
        .filter(|key| **key != dropped && !after.assets.contains_key(*key));
    let lost: Vec<&Path> = others.collect();
    assert!(
        lost.is_empty(),
        "removal: dropping {dropped} also took {}",
        names(lost)
    );
}

/// A namespace whose assets cannot be listed is Partial, never empty, and the others are read as before.
pub async fn refused_listing<F: Fixture>(fixture: &F) {
    let before = complete_run("refused_listing", fixture).await;
    let Some(refused) = fixture.refuse_listing().await else {
        lacks("refused_listing", "refuse_listing")
    };
    let after = run("refused_listing", fixture).await;
    match after.closed.get(&refused) {
        Some(Listing::Complete) => panic!(
            "refused_listing: an error was read as empty: {refused} was closed Complete with {} assets \
             although its listing was refused",
            after
                .assets
                .keys()
                .filter(|key| refused.is_parent_of(key))
                .count()
        ),
        Some(Listing::Partial(reasons)) => assert!(
            !reasons.is_empty(),
            "refused_listing: {refused} is Partial and no reason says why"
        ),
        Some(Listing::Skipped(_)) => panic!("refused_listing: {refused} was in a split, and not skipped"),
        None => assert!(
            !is_listed_complete(&after, &refused),
            "refused_listing: an error was read as empty: {refused} is missing although its parent was listed Complete"
        ),
    }
    let lost = before
        .assets
        .keys()
        .filter(|key| !refused.is_parent_of(key) && !after.assets.contains_key(*key));
    let lost: Vec<&Path> = lost.collect();
    assert!(
        lost.is_empty(),
        "refused_listing: refusing {refused} also took {}",
        names(lost)
    );
}

/// Whether the nearest container that was discovered above a path says that it listed all its children.
fn is_listed_complete(run: &Collected, path: &Path) -> bool {
    let containers = run.discovery.iter().flat_map(|discovery| &discovery.containers);
    containers
        .filter(|container| container.path != *path && container.path.contains(path))
        .max_by_key(|container| container.path.depth())
        .is_none_or(|container| container.children.is_complete())
}

/// A part whose read was refused is Unread, with a warning, and all else is as it was.
pub async fn unread_part<F: Fixture>(fixture: &F) {
    let before = complete_run("unread_part", fixture).await;
    let Some(refused) = fixture.refuse_part().await else {
        lacks("unread_part", "refuse_part")
    };
    let after = complete_run("unread_part", fixture).await;
    for key in &refused.assets {
        for part in &refused.parts {
            assert_unread(&after, key, *part);
        }
        let about = |path: &Option<Path>| path.as_ref().is_none_or(|path| path.contains(key));
        assert!(
            after.warnings.iter().any(|warning| about(&warning.path)),
            "unread_part: nothing warns that a part of {key} could not be read"
        );
    }
    assert_rest_unchanged(&before, &after, &refused);
}

fn assert_unread(run: &Collected, key: &Path, part: Part) {
    let Some(asset) = run.assets.get(key) else {
        panic!("unread_part: {key} is missing because its {part} cannot be read")
    };
    let answered = match part {
        Part::Lineage => run.lineage.contains_key(key),
        _ => !part.is_unread(asset),
    };
    assert!(
        !answered,
        "unread_part: the {part} of {key} could not be read and is reported as Read: \
         a refused read was taken for an empty answer"
    );
}

fn assert_rest_unchanged(before: &Collected, after: &Collected, refused: &RefusedPart) {
    for (key, asset) in &before.assets {
        let (Some(other), mut asset) = (after.assets.get(key), asset.clone()) else {
            panic!("unread_part: {key} is missing because a part of another asset cannot be read")
        };
        if refused.assets.contains(key) {
            refused.parts.iter().for_each(|part| part.set_unread(&mut asset));
        }
        if let Some(difference) = difference(&asset, other) {
            panic!("unread_part: the refusal changed another part of {key}: {difference}");
        }
    }
}

/// A namespace that the source leaves out without an error leaves a trace: its parent is Partial, or what
/// decides the visibility of its parent or of the source has changed.
pub async fn hidden_namespace<F: Fixture>(fixture: &F) {
    let before = complete_run("hidden_namespace", fixture).await;
    let Some(hidden) = fixture.hide_namespace().await else {
        lacks("hidden_namespace", "hide_namespace")
    };
    let after = run("hidden_namespace", fixture).await;
    if after.closed.contains_key(&hidden) {
        assert!(
            after.closed.get(&hidden) != Some(&Listing::Complete),
            "hidden_namespace: {hidden} was closed Complete although the principal cannot see it"
        );
        return;
    }
    let (was, is) = (visibility(&before, &hidden), visibility(&after, &hidden));
    assert!(
        is != Some(&Visibility::Everyone),
        "hidden_namespace: {hidden} was hidden from the principal, so the source does not show everything to \
         everyone as Visibility::Everyone says"
    );
    assert!(
        was != is || !is_listed_complete(&after, &hidden),
        "hidden_namespace: {hidden} vanished without an error and nothing shows it: its parent is Complete and \
         the visibility is {is:?} as before"
    );
}

/// The visibility of the nearest container above a path.
fn visibility<'a>(run: &'a Collected, path: &Path) -> Option<&'a Visibility> {
    let containers = run.discovery.iter().flat_map(|discovery| &discovery.containers);
    containers
        .filter(|container| container.path != *path && container.path.contains(path))
        .max_by_key(|container| container.path.depth())
        .map(|container| &container.visibility)
}
