//! What kind of reading an item is: how hard, what evidence it reports, which side of a condition, for whom.
//!
//! All of it is found by the tag stage; each finding says what words it rests on ([`Evidence`]).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{condition::Evidence, entry::Person};

/// Declares an enum whose names in events, queries and pages are given once.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal, $words:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name, as in events and queries.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The name for readers.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),* }
            }

            /// The one of that name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }
    };
}
pub(crate) use named;

named! {
    /// How hard a text is to read, comparable across languages.
    ReadingLevel {
        /// Most adults read it with ease.
        Easy = "easy", "Easy to read";
        /// As a newspaper.
        Average = "average", "Average to read";
        /// For readers with training.
        Hard = "hard", "Hard to read";
    }
}

named! {
    /// The formula that a figure is of.
    ReadingFormula {
        /// English: the mean of Flesch–Kincaid, SMOG and Coleman–Liau, in years of school in the United States.
        UsGrade = "us-grade", "US school grade";
        /// Spanish: Szigriszt-Pazos on the INFLESZ scale, 0 (hard) to 100 (easy).
        Inflesz = "inflesz", "INFLESZ";
        /// German: first Wiener Sachtextformel, in years of school.
        Wiener = "wiener", "Wiener Sachtextformel";
        /// French: Kandel and Moles, 0 (hard) to 100 (easy).
        KandelMoles = "kandel-moles", "Kandel–Moles";
        /// Portuguese: Flesch as adapted by Martins et al., 0 (hard) to 100 (easy).
        Martins = "martins", "Flesch–Martins";
        /// Italian: Gulpease, 0 (hard) to 100 (easy).
        Gulpease = "gulpease", "Gulpease";
    }
}

/// How hard a text is to read.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Easy, average or hard.
    pub level: ReadingLevel,
    /// The mark that the level is cut from: 0 (easiest) to 100; up to 33 is easy, from 67 hard.
    pub difficulty: u8,
    /// The established formula of the language.
    pub formula: ReadingFormula,
    /// Its figure, on its own scale, rounded to a tenth.
    pub score: f32,
    /// Years of school that the text asks for, where the language has a formula for that (English, Spanish, German).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<f32>,
}

named! {
    /// The design of the study that an item reports on.
    StudyDesign {
        /// A systematic review or meta-analysis.
        SystematicReview = "systematic-review", "Systematic review";
        /// A randomized trial.
        RandomizedTrial = "randomized-trial", "Randomized trial";
        /// An observational study: cohort, case-control, survey.
        Observational = "observational", "Observational study";
        /// A report of one or few cases.
        CaseReport = "case-report", "Case report";
        /// A study in animals or cells.
        AnimalOrCell = "animal-or-cell", "Study in animals or cells";
        /// A guideline or recommendation of a body.
        Guideline = "guideline", "Guideline";
        /// What one or more experts think.
        ExpertOpinion = "expert-opinion", "Expert opinion";
    }
}

impl StudyDesign {
    /// What such evidence can and cannot show, in plain words.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::SystematicReview => {
                "Brings together all studies on a question. The most reliable kind, as long as the studies in it are good ones."
            }
            Self::RandomizedTrial => {
                "Chance decided who got which treatment, so a difference is probably due to it. May not hold for people unlike those who took part."
            }
            Self::Observational => {
                "Watches what happens to people. Can show that two things go together, not that one causes the other."
            }
            Self::CaseReport => {
                "Tells of one or a few patients. Can raise a question, but cannot say what holds for others."
            }
            Self::AnimalOrCell => {
                "Done in animals or in the laboratory. An early step: most such findings do not turn into treatments for people."
            }
            Self::Guideline => {
                "What a group of experts advises after looking at the studies. How strong it is depends on those."
            }
            Self::ExpertOpinion => "What an expert thinks. Informed, but not a test of whether it is so.",
        }
    }
}

/// The study that an item reports on.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Study {
    /// Its design; none where the item names a study and does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<StudyDesign>,
    /// What such evidence can and cannot show, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// How many took part, where stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<u32>,
    /// Numbers of trial registries, normalised: `NCT01234567`, `ISRCTN12345678`, `EUCTR2004-000446-20`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<String>,
    /// DOIs in lower case, without resolver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dois: Vec<String>,
    /// PubMed ids, as `pmid:36027570`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pmids: Vec<String>,
    /// The words that the design rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

named! {
    /// The side of a condition that an item is about.
    Aspect {
        /// How not to get it.
        Prevention = "prevention", "Prevention";
        /// How it shows.
        Symptoms = "symptoms", "Symptoms";
        /// How it is found.
        Tests = "tests", "Tests";
        /// How it is treated.
        Treatment = "treatment", "Treatment";
        /// How one lives with it.
        LivingWith = "living-with", "Living with it";
        /// How one cares for somebody who has it.
        CaringFor = "caring-for", "Caring for somebody";
        /// What is being found out.
        Research = "research", "Research";
        /// What an organization does.
        OrganizationNews = "organization-news", "News of organizations";
    }
}

named! {
    /// Whom an item speaks to.
    Audience {
        /// Patients and the public.
        Patient = "patient", "For patients";
        /// Those who care for somebody.
        Carer = "carer", "For carers";
        /// Children and young people.
        Child = "child", "For children";
        /// Health professionals.
        Professional = "professional", "For professionals";
    }
}

/// An aspect with what it rests on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AspectTag {
    /// The aspect.
    pub aspect: Aspect,
    /// The words found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// An audience with what it rests on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AudienceTag {
    /// The audience.
    pub audience: Audience,
    /// The words found; none where it is the audience of everything that says no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// All that the tag stage says of an item beside its conditions.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Traits {
    /// How hard it is to read; none for what is too short or in a language without a formula.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
    /// The words that its kind rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kind_evidence: Vec<Evidence>,
    /// The study that it reports on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<Study>,
    /// The sides of a condition that it is about, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aspects: Vec<AspectTag>,
    /// Whom it speaks to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<AudienceTag>,
    /// From then on it might be out of date: its own review date, else older than its kind allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub review_by: Option<Timestamp>,
    /// When its content was last reviewed, as its publisher says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub reviewed: Option<Timestamp>,
    /// When it is to be reviewed again, as its publisher says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::document::DateTime>")]
    pub next_review: Option<Timestamp>,
    /// Who reviewed it, as its publisher says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewed_by: Vec<Person>,
    /// It came without a title: the one it has was made from its text or its address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub title_made: bool,
}

impl Traits {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Study {
    /// All ids, by which items about the same study are found.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.registrations.iter().chain(&self.dois).chain(&self.pmids).map(String::as_str)
    }
}
