-- What answers, and as whom.
SELECT version()::text, current_user::text, current_database()::text
