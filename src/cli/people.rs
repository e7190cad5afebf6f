//! Commands on people and their tokens.

use clap::Subcommand;

/// `carewire token …`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown once
    Create {
        /// What it is for
        name: String,
        /// operator, curator or member
        #[arg(long)]
        role: String,
        /// Of a member: the organization's short name
        #[arg(long)]
        org: Option<String>,
        /// Days until it ends
        #[arg(long)]
        days: Option<u32>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List tokens
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token
    Revoke {
        /// Its id
        id: String,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `carewire user …`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person; the password is read from standard input, or made and shown once
    Add {
        /// Mail address
        email: String,
        /// Name
        #[arg(long)]
        name: Option<String>,
        /// operator, curator or member
        #[arg(long)]
        role: String,
        /// Read the password from standard input (one line)
        #[arg(long)]
        password_stdin: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a person a new password, and optionally another role
    Reset {
        /// Mail address
        email: String,
        /// operator, curator or member
        #[arg(long)]
        role: Option<String>,
        /// Read the password from standard input (one line)
        #[arg(long)]
        password_stdin: bool,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List people
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}
