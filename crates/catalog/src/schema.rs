//! The tables, as diesel sees them. Times are microseconds since 1970; ids and JSON are text.

diesel::table! {
    space (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    api_key (id) {
        id -> Text,
        space_id -> Nullable<Text>,
        name -> Text,
        role -> Text,
        prefix -> Text,
        digest -> Binary,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    connector (id) {
        id -> Text,
        space_id -> Text,
        name -> Text,
        kind -> Text,
        config -> Text,
        credentials -> Binary,
        source_system_id -> Nullable<Text>,
        is_active -> Bool,
        source_identity -> Nullable<Text>,
        visibility -> Text,
        links_into -> Nullable<Text>,
        last_sync_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    run (id) {
        id -> Text,
        space_id -> Text,
        connector_id -> Text,
        connector_name -> Text,
        status -> Text,
        phase -> Nullable<Text>,
        trigger_kind -> Text,
        request -> Text,
        epoch -> BigInt,
        node -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        cancel_requested -> Bool,
        discovery -> Nullable<Text>,
        splits_total -> BigInt,
        splits_done -> BigInt,
        assets_seen -> BigInt,
        products_created -> BigInt,
        products_updated -> BigInt,
        products_unchanged -> BigInt,
        products_archived -> BigInt,
        completeness -> Nullable<Text>,
        partial -> Text,
        removals -> Text,
        removal_reason -> Nullable<Text>,
        cost -> Text,
        warnings_count -> BigInt,
        error_code -> Nullable<Text>,
        error_detail -> Nullable<Text>,
        started_at -> BigInt,
        completed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    run_split (run_id, ordinal) {
        run_id -> Text,
        ordinal -> BigInt,
        split -> Text,
        state -> Text,
        closed -> Text,
        seen -> BigInt,
        error_code -> Nullable<Text>,
        error_detail -> Nullable<Text>,
    }
}

diesel::table! {
    run_warning (run_id, ordinal) {
        run_id -> Text,
        ordinal -> BigInt,
        code -> Text,
        detail -> Text,
        path -> Nullable<Text>,
    }
}

diesel::table! {
    run_warning_count (run_id, code) {
        run_id -> Text,
        code -> Text,
        total -> BigInt,
    }
}

diesel::table! {
    product (id) {
        id -> Text,
        space_id -> Text,
        connector_id -> Text,
        key -> Text,
        namespace -> Text,
        family -> Text,
        folded -> Text,
        provider -> Text,
        native_id -> Nullable<Text>,
        kind -> Text,
        name -> Text,
        slug -> Text,
        hosting_location -> Text,
        search -> Text,
        doc -> Text,
        manual -> Nullable<Text>,
        hash -> Binary,
        edges_hash -> Nullable<Binary>,
        version -> Nullable<Text>,
        state -> Text,
        created_run -> Text,
        changed_run -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    product_stats (product_id) {
        product_id -> Text,
        doc -> Text,
        written_at -> BigInt,
    }
}

diesel::table! {
    schema_change (id) {
        id -> Text,
        product_id -> Text,
        run_id -> Text,
        changed_at -> BigInt,
        changes -> Text,
    }
}

diesel::table! {
    edge (product_id, ordinal) {
        product_id -> Text,
        ordinal -> BigInt,
        space_id -> Text,
        flow -> Text,
        end_family -> Text,
        end_key -> Text,
        end_folded -> Text,
        kind -> Text,
        field_pairs -> Text,
    }
}

diesel::table! {
    namespace (connector_id, key) {
        connector_id -> Text,
        key -> Text,
        kind -> Text,
        doc -> Text,
    }
}

diesel::table! {
    removal (run_id, product_id) {
        run_id -> Text,
        product_id -> Text,
    }
}

diesel::table! {
    audit (id) {
        id -> Text,
        space_id -> Nullable<Text>,
        at -> BigInt,
        actor -> Text,
        key_id -> Nullable<Text>,
        action -> Text,
        object -> Text,
        object_id -> Text,
        fields -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    space,
    api_key,
    connector,
    run,
    run_split,
    run_warning,
    run_warning_count,
    product,
    product_stats,
    schema_change,
    edge,
    namespace,
    removal,
    audit,
);
