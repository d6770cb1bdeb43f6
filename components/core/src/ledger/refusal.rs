//! Why the ledger does not do what it was asked.

use std::fmt;

/// Defines the refusals with their names, once.
macro_rules! refusals {
    ($($(#[$doc:meta])* $case:ident = $text:literal,)+) => {
        /// Why a posting was refused. Where several hold, the one that stands first here is answered.
        ///
        /// A refused posting leaves nothing behind, its id is still free, and the next element is not stopped by it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $case,)+
        }

        impl Refusal {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// Its name, for problems and logs.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $text,)+
                }
            }
        }
    };
}

refusals! {
    /// The last element of the batch is linked to a next one, which there is not. Its whole chain fails.
    LinkedChainOpen = "linked-chain-open",
    /// Another element of its chain was refused.
    LinkedTransferFailed = "linked-transfer-failed",
    /// There is a transfer with this id, of another kind.
    ExistsWithDifferentKind = "exists-with-different-kind",
    /// There is a transfer with this id, and it resolves another hold.
    ExistsWithDifferentHold = "exists-with-different-hold",
    /// There is a transfer with this id, from another account.
    ExistsWithDifferentDebitAccount = "exists-with-different-debit-account",
    /// There is a transfer with this id, to another account.
    ExistsWithDifferentCreditAccount = "exists-with-different-credit-account",
    /// There is a transfer with this id, of another amount.
    ExistsWithDifferentAmount = "exists-with-different-amount",
    /// There is a transfer with this id, in another currency.
    ExistsWithDifferentCurrency = "exists-with-different-currency",
    /// There is a transfer with this id, for something else.
    ExistsWithDifferentCode = "exists-with-different-code",
    /// There is a transfer with this id, caused by something else.
    ExistsWithDifferentReference = "exists-with-different-reference",
    /// There is a hold with this id that lapses at another time.
    ExistsWithDifferentExpiry = "exists-with-different-expiry",
    /// There is a transfer with this id, and it corrects another one.
    ExistsWithDifferentReversal = "exists-with-different-reversal",
    /// The very transfer exists, but not all of its chain does: it was made outside of this chain. (Otherwise one that exists
    /// is no refusal: see [`Posted::Existed`](super::Posted::Existed).)
    Exists = "exists",
    /// Debit and credit name one account.
    AccountsMustDiffer = "accounts-must-differ",
    /// There is no such hold.
    HoldNotFound = "hold-not-found",
    /// What was to be resolved is a transfer that is no hold.
    TransferNotAHold = "transfer-not-a-hold",
    /// There is no such account to debit.
    DebitAccountNotFound = "debit-account-not-found",
    /// There is no such account to credit.
    CreditAccountNotFound = "credit-account-not-found",
    /// An account is in another currency than the posting.
    CurrencyMismatch = "currency-mismatch",
    /// The hold was captured before.
    HoldAlreadyCaptured = "hold-already-captured",
    /// The hold was voided before.
    HoldAlreadyVoided = "hold-already-voided",
    /// The hold lapsed, and that was noted.
    HoldAlreadyExpired = "hold-already-expired",
    /// The hold's time is over, though nobody has noted it yet.
    HoldExpired = "hold-expired",
    /// The hold's time is not over, or has no end, so it does not expire.
    HoldNotDue = "hold-not-due",
    /// There is no such transfer to correct.
    ReversedTransferNotFound = "reversed-transfer-not-found",
    /// The transfer that is to be corrected moved nothing: a hold, or what released one.
    TransferNotReversible = "transfer-not-reversible",
    /// The correction does not go back between the accounts of the transfer that it corrects.
    ReversalWithOtherAccounts = "reversal-with-other-accounts",
    /// The account to debit is closed.
    DebitAccountClosed = "debit-account-closed",
    /// The account to credit is closed.
    CreditAccountClosed = "credit-account-closed",
    /// The account to debit is frozen. (A frozen account is credited: money that came is not lost.)
    DebitAccountFrozen = "debit-account-frozen",
    /// The hold would lapse before it begins.
    ExpiryPassed = "expiry-passed",
    /// More is to be captured than is held.
    ExceedsHold = "exceeds-hold",
    /// With the corrections before, more would go back than was moved.
    ExceedsReversible = "exceeds-reversible",
    /// The shop's account does not have that much available: what is held is not.
    InsufficientFunds = "insufficient-funds",
    /// The debits of an account, held ones with them, would pass [`datamp_models::money::MAX_TOTAL`].
    DebitTotalExceeded = "debit-total-exceeded",
    /// The credits of an account, held ones with them, would pass [`datamp_models::money::MAX_TOTAL`].
    CreditTotalExceeded = "credit-total-exceeded",
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
