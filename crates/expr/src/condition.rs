//! Conditions behind `if` and `unless`.

use crate::acl::{self, Acl, AclExpr};
use crate::context::ParseContext;
use crate::phases::Phases;
use crate::view::View;
use std::sync::Arc;

/// What a condition came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// More data may tell.
    NotYet,
}

impl Match {
    fn negated_if(self, negate: bool) -> Self {
        match (self, negate) {
            (Self::Yes, true) => Self::No,
            (Self::No, true) => Self::Yes,
            (other, _) => other,
        }
    }
}

#[derive(Debug)]
struct Term {
    negated: bool,
    acl: Arc<Acl>,
}

/// A condition: alternatives, each of which is a list of terms that must all hold.
#[derive(Debug)]
pub struct Condition {
    unless: bool,
    /// Where it is evaluated: what can't be had there matches nothing.
    place: Phases,
    alternatives: Vec<Vec<Term>>,
}

impl Condition {
    /// Whether a word opens a condition.
    #[must_use]
    pub fn opens(word: &str) -> bool {
        matches!(word, "if" | "unless")
    }

    /// Reads a condition that takes all words, the first being `if` or `unless`.
    ///
    /// # Errors
    /// What is wrong, in HAProxy's wording.
    pub fn parse(words: &[&str], ctx: &mut ParseContext<'_>) -> Result<Self, String> {
        let unless = match words.first() {
            Some(&"if") => false,
            Some(&"unless") => true,
            _ => return Err("conditions must start with either 'if' or 'unless'".into()),
        };
        let mut rest = words.get(1..).unwrap_or_default();
        let mut alternatives: Vec<Vec<Term>> = Vec::new();
        let mut open = false;
        let mut negated = false;
        while let [word, tail @ ..] = rest {
            rest = tail;
            if matches!(*word, "or" | "||") {
                open = false;
                negated = false;
                continue;
            }
            let name = word.trim_start_matches('!');
            negated ^= (word.len() - name.len()) % 2 == 1;
            if name.is_empty() {
                continue;
            }
            let acl = if name == "{" {
                let Some(end) = rest.iter().position(|w| *w == "}") else {
                    return Err("missing closing '}' in condition".into());
                };
                let (inner, after) = rest.split_at(end);
                rest = after.get(1..).unwrap_or_default();
                Arc::new(Acl::new("", AclExpr::parse(inner, ctx)?))
            } else {
                named(name, ctx)?
            };
            if !open {
                alternatives.push(Vec::new());
                open = true;
            }
            if let Some(terms) = alternatives.last_mut() {
                terms.push(Term { negated, acl });
            }
            negated = false;
        }
        Ok(Self {
            unless,
            place: ctx.phases,
            alternatives,
        })
    }

    /// Evaluates the condition. A view that is final never yields [`Match::NotYet`].
    pub fn matches(&self, view: &dyn View) -> Match {
        let settle = |found: Match| match found {
            Match::NotYet if view.is_final() => Match::No,
            other => other,
        };
        let mut result = Match::No;
        for terms in &self.alternatives {
            let mut all = Match::Yes;
            for term in terms {
                match settle(term.acl.matches(view, self.place)).negated_if(term.negated) {
                    Match::Yes => {}
                    Match::NotYet => all = Match::NotYet,
                    Match::No => {
                        all = Match::No;
                        break;
                    }
                }
            }
            match all {
                Match::Yes => {
                    result = Match::Yes;
                    break;
                }
                Match::NotYet => result = Match::NotYet,
                Match::No => {}
            }
        }
        result.negated_if(self.unless)
    }

    /// Whether the condition holds, for places where everything is there that will ever be.
    #[must_use]
    pub fn holds(&self, view: &dyn View) -> bool {
        self.matches(view) == Match::Yes
    }

    /// Where every term can be had.
    #[must_use]
    pub fn phases(&self) -> Phases {
        self.terms()
            .fold(Phases::ALL, |set, t| set & t.acl.phases())
    }

    /// HAProxy's warning about a condition that can't hold, or can't be told, in the place `here`.
    #[must_use]
    pub fn phase_warning(&self, here: Phases) -> Option<String> {
        let place = here.place();
        for term in self.terms() {
            let name = term.acl.name();
            if !term.acl.phases().intersects(here) {
                return Some(match (name, term.acl.exprs().next()) {
                    ("", Some(expr)) => format!(
                        "anonymous acl will never match because it uses keyword '{}' which is incompatible with '{place}'",
                        expr.keyword()
                    ),
                    _ => format!(
                        "acl '{name}' will never match because it only involves keywords that are incompatible with '{place}'"
                    ),
                });
            }
            let odd = term
                .acl
                .exprs()
                .find(|e| !e.expr().phases().intersects(here));
            if let Some(expr) = odd {
                return Some(format!(
                    "acl '{name}' involves keywords '{}' which is incompatible with '{place}'",
                    expr.keyword()
                ));
            }
        }
        None
    }

    fn terms(&self) -> impl Iterator<Item = &Term> {
        self.alternatives.iter().flatten()
    }
}

/// The named or predefined condition of this name.
pub(crate) fn named(name: &str, ctx: &mut ParseContext<'_>) -> Result<Arc<Acl>, String> {
    if let Some(acl) = ctx.acls.get(name) {
        return Ok(acl.clone());
    }
    let Some(words) = acl::predefined(name) else {
        return Err(crate::suggest::with_hint(
            format!("no such ACL : '{name}'"),
            name,
            ctx.acls.names(),
        ));
    };
    Ok(Arc::new(Acl::new(name, AclExpr::parse(words, ctx)?)))
}
