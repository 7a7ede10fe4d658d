//! The files that make up a certificate, and what else its keywords say.

/// Where a certificate's files were named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// Without keywords.
    #[default]
    Plain,
    /// With keywords, on a line of a list.
    List,
    /// In a `crt-store` section.
    Store,
}

/// Files that make up a certificate (`load` lines of `crt-store`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// `crt`, as written.
    pub certificate: Option<String>,
    /// Where that is, if it is not there.
    pub path: Option<String>,
    /// `key`.
    pub key: Option<String>,
    /// `ocsp`.
    pub ocsp: Option<String>,
    /// `issuer`.
    pub issuer: Option<String>,
    /// `sctl`.
    pub timestamps: Option<String>,
    /// `ocsp-update`.
    pub update: Option<bool>,
    /// `jwt`.
    pub jwt: bool,
    /// Where they were named.
    pub origin: Origin,
}

impl Files {
    /// What [`Files::set`] knows.
    pub const KEYWORDS: &[&str] = &["crt", "key", "ocsp", "issuer", "sctl", "ocsp-update", "jwt"];

    /// Takes one keyword with its value.
    ///
    /// # Errors
    /// In words.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let place = match name {
            "crt" => &mut self.certificate,
            "key" => &mut self.key,
            "ocsp" => &mut self.ocsp,
            "issuer" => &mut self.issuer,
            "sctl" => &mut self.timestamps,
            "ocsp-update" | "jwt" => {
                let on = match value {
                    "on" => true,
                    "off" => false,
                    _ => {
                        return Err(format!(
                            "cannot parse '{name}' value '{value}', 'on' or 'off' is expected."
                        ));
                    }
                };
                match name {
                    "jwt" => self.jwt = on,
                    _ => self.update = Some(on),
                }
                return Ok(());
            }
            _ => return Err(format!("unknown keyword '{name}'.")),
        };
        *place = Some(value.to_owned());
        Ok(())
    }

    /// Whether nothing but the certificate is named.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.key.is_none()
            && self.ocsp.is_none()
            && self.issuer.is_none()
            && self.timestamps.is_none()
            && self.update.is_none()
    }

    /// How keywords given anew differ from these, each difference on a line of its own; `None` when both go together. What was
    /// declared in a `crt-store` goes with no keywords at all. `update` is the process' `ocsp-update.mode`.
    #[must_use]
    pub fn differences(&self, anew: &Self, update: bool) -> Option<String> {
        let mut text = String::new();
        match (self.origin, anew.is_plain()) {
            (Origin::Store, true) | (Origin::Plain, true) => return None,
            (Origin::Store, false) | (Origin::List, false) => {}
            (Origin::Plain, false) => text.push_str(
                "Can't use the certificate previously defined without any keyword with these keywords:\n",
            ),
            (Origin::List, true) => text.push_str(
                "Can't use the certificate previously defined with keywords without these keywords:\n",
            ),
        }
        let header = text.len();
        let mixed = header > 0;
        let pairs = [
            ("key", &self.key, &anew.key),
            ("ocsp", &self.ocsp, &anew.ocsp),
            ("issuer", &self.issuer, &anew.issuer),
            ("sctl", &self.timestamps, &anew.timestamps),
        ];
        for (name, was, is) in pairs {
            if was != is {
                let shown = |value: &Option<String>| value.clone().unwrap_or("(null)".to_owned());
                text.push_str(&format!(
                    "- different parameter '{name}' : previously '{}' vs '{}'\n",
                    shown(was),
                    shown(is)
                ));
            }
        }
        let word = |on: Option<bool>| match on {
            None => format!(
                "'default' (ocsp-update.mode {})",
                if update { "on" } else { "off" }
            ),
            Some(true) => "'on'".to_owned(),
            Some(false) => "'off'".to_owned(),
        };
        let same = self.update.unwrap_or(update) == anew.update.unwrap_or(update);
        if !same {
            text.push_str(&format!(
                "- different parameter 'ocsp-update' : previously {} vs {}\n",
                word(self.update),
                word(anew.update)
            ));
        }
        (mixed || text.len() > header).then_some(text)
    }
}
