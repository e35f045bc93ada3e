//! From the text of a view to the tokens of its query.

use crate::Unread;
use sqlparser::{
    dialect::Dialect,
    keywords::Keyword,
    tokenizer::{Token, Tokenizer},
};

/// The tokens of the query: without what stands before and after it in a CREATE statement. The headers of views
/// have more options than grammars know; the query is what counts.
pub(crate) fn tokens(text: &str, grammar: &dyn Dialect) -> Result<Vec<Token>, Unread> {
    let all = Tokenizer::new(grammar, text)
        .tokenize()
        .map_err(|_quotes_the_text| Unread::Syntax)?;
    let mut tokens: Vec<Token> = all
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    if tokens
        .first()
        .is_some_and(|token| keyword(token) == Some(Keyword::CREATE))
    {
        tokens.drain(..header(&tokens).ok_or(Unread::Syntax)?);
    }
    while tokens.last() == Some(&Token::SemiColon) {
        tokens.pop();
    }
    let binding = tokens.len().saturating_sub(4);
    let words = [Keyword::WITH, Keyword::NO, Keyword::SCHEMA, Keyword::BINDING];
    if tokens.iter().skip(binding).map(keyword).eq(words.map(Some)) {
        tokens.truncate(binding);
    }
    Ok(tokens)
}

/// How many tokens stand before the query: up to the AS that a query follows.
fn header(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, pair) in tokens.windows(2).enumerate() {
        let [token, next] = pair else { continue };
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        let begins = matches!(keyword(next), Some(Keyword::SELECT | Keyword::WITH)) || *next == Token::LParen;
        if depth == 0 && keyword(token) == Some(Keyword::AS) && begins {
            return Some(index + 1);
        }
    }
    None
}

fn keyword(token: &Token) -> Option<Keyword> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}
