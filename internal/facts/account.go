package facts

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Root is the account's root user.
type Root struct {
	HasPassword         bool        `json:"has_password" call:"iam:GetAccountSummary"`
	HasAccessKeys       bool        `json:"has_access_keys" call:"iam:GetAccountSummary"`
	HasCertificates     bool        `json:"has_certificates" call:"iam:GetAccountSummary"`
	MFAEnabled          bool        `json:"mfa_enabled" call:"iam:GetAccountSummary"`
	VirtualMFA          bool        `json:"virtual_mfa" call:"iam:ListVirtualMFADevices"`
	Devices             []Device    `json:"devices" call:"iam:ListMFADevices in a root session"`
	AccessKeys          []AccessKey `json:"access_keys" call:"iam:GetCredentialReport"`
	PasswordLastUsed    time.Time   `json:"password_last_used" call:"iam:GetCredentialReport"`
	PasswordLastChanged time.Time   `json:"password_last_changed" call:"iam:GetCredentialReport"`
	// Email is the mail address that root signs in with. AWS tells that of a member to
	// the management account and to a delegated administrator for account management.
	Email string `json:"email" call:"account:GetPrimaryEmail"`
	// Activity is what root did, oldest first: management events alone, of the 90 days
	// that AWS keeps. Before ActivitySince some may be left out.
	Activity      []RootEvent `json:"activity" call:"cloudtrail:LookupEvents"`
	ActivitySince time.Time   `json:"activity_since" call:"cloudtrail:LookupEvents"`
}

// RootEvent is one event of the root user in CloudTrail's event history. What a service
// did for root is left out.
type RootEvent struct {
	ID        string    `json:"id"`
	Time      time.Time `json:"time"`
	Name      string    `json:"name"`   // such as ConsoleLogin
	Source    string    `json:"source"` // such as signin.amazonaws.com
	Region    string    `json:"region"`
	AccessKey string    `json:"access_key"` // ID; "" for a sign-in
	MFA       bool      `json:"mfa"`        // always false in a session of sts:AssumeRoot
	Session   string    `json:"session"`    // one of the Session constants
	Error     string    `json:"error"`      // AWS's code, "" if it succeeded
}

// Kinds of session that an event of the root user comes from.
const (
	SessionSignIn     = "signin"        // a sign-in itself, or a step of recovery
	SessionRefused    = "signin-failed" // a sign-in that failed: somebody tried to become root
	SessionLogin      = "login"         // credentials for a program from a browser's sign-in, as aws login asks for
	SessionTemporary  = "temporary"     // the console, or a program after aws login
	SessionKey        = "key"           // a long-term access key
	SessionAssumeRoot = "assume-root"   // sts:AssumeRoot, by the management account or its delegate
)

// Device is an MFA device.
type Device struct {
	Serial  string    `json:"serial"`
	Kind    string    `json:"kind"` // as DeviceKind tells it
	Enabled time.Time `json:"enabled"`
}

// Kinds of MFA device. FIDO is a passkey or a security key.
const (
	Virtual  = "virtual"
	Hardware = "hardware"
	FIDO     = "fido"
	SMS      = "sms"
	Other    = "unknown"
)

// DeviceKind tells the kind of a user's device from its serial number, which is an ARN
// but for hardware tokens (IAM User Guide, "Check MFA status").
func DeviceKind(serial string) string {
	arn, err := rootkeep.ParseARN(serial)
	kind, _, _ := strings.Cut(arn.Resource, "/")
	switch {
	case serial == "":
		return Other
	case err != nil && !strings.ContainsAny(serial, ":/"):
		return Hardware
	case kind == "mfa":
		return Virtual
	case kind == "u2f":
		return FIDO
	case kind == "sms-mfa":
		return SMS
	}
	return Other
}

// AccessKey is a long-term access key, without its secret.
type AccessKey struct {
	ID              string    `json:"id"` // empty where the source does not tell it
	Active          bool      `json:"active"`
	Created         time.Time `json:"created"` // or last rotated
	LastUsed        time.Time `json:"last_used"`
	LastUsedRegion  string    `json:"last_used_region"`
	LastUsedService string    `json:"last_used_service"`
}

// Account is what the account says of itself.
type Account struct {
	Alias string `json:"alias" call:"iam:ListAccountAliases"`
	// HasPhone: the account's own contact has a phone number, by which AWS Support and
	// the recovery of the root user reach it.
	HasPhone          bool         `json:"has_phone" call:"account:GetContactInformation"`
	SecurityContact   Contact      `json:"security_contact" call:"account:GetAlternateContact"`
	BillingContact    Contact      `json:"billing_contact" call:"account:GetAlternateContact"`
	OperationsContact Contact      `json:"operations_contact" call:"account:GetAlternateContact"`
	PublicAccess      PublicAccess `json:"public_access" call:"s3:GetAccountPublicAccessBlock"` // for all its buckets
}

// Contact is an alternate contact. Name and title are left out: no control needs them.
type Contact struct {
	Set   bool   `json:"set"`
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// Organization is the organization, as this account sees it. What is of the whole
// organization AWS tells to the management account and to delegated administrators.
type Organization struct {
	Member          bool   `json:"member" call:"organizations:DescribeOrganization"`
	ID              string `json:"id" call:"organizations:DescribeOrganization"`
	Management      bool   `json:"management" call:"organizations:DescribeOrganization"`       // this is the management account
	ManagementEmail string `json:"management_email" call:"organizations:DescribeOrganization"` // of that account's root user
	AllFeatures     bool   `json:"all_features" call:"organizations:DescribeOrganization"`     // not consolidated billing alone
	// PolicyTypes are enabled in the organization's root, such as SERVICE_CONTROL_POLICY.
	PolicyTypes []string `json:"policy_types" call:"organizations:ListRoots"`
	// RootFeatures are those of centralized root access that are on:
	// RootCredentialsManagement, RootSessions.
	RootFeatures []string `json:"root_features" call:"iam:ListOrganizationsFeatures"`
	// TrustedServices are principals of services that act in the organization.
	TrustedServices         []string                 `json:"trusted_services" call:"organizations:ListAWSServiceAccessForOrganization"`
	DelegatedAdministrators []DelegatedAdministrator `json:"delegated_administrators" call:"organizations:ListDelegatedAdministrators"`
	// DelegatedServices are those that this account administers.
	DelegatedServices []string `json:"delegated_services" call:"organizations:ListDelegatedAdministrators"`
	// SCPs and RCPs are the policies that bind this account, one element per level from
	// the root down to the account itself; none if the type is not enabled. AWS's
	// RCPFullAWSAccess, which is always attached, is left out.
	SCPs []PolicyLevel `json:"scps" call:"organizations:ListPolicies"`
	RCPs []PolicyLevel `json:"rcps" call:"organizations:ListPolicies"`
}

// DelegatedAdministrator is a member account that administers services for all.
type DelegatedAdministrator struct {
	Account  string   `json:"account"`
	Services []string `json:"services"` // principals, such as iam.amazonaws.com
}

// PolicyLevel is what is attached to one level of the organization.
type PolicyLevel struct {
	Target   string     `json:"target"` // ID of the root, of a unit, or of the account
	Policies []Document `json:"policies"`
}

// PasswordPolicy is the account's password policy for IAM users. It never applies to
// the root user.
type PasswordPolicy struct {
	Set                   bool `json:"set" call:"iam:GetAccountPasswordPolicy"`
	MinimumLength         int  `json:"minimum_length" call:"iam:GetAccountPasswordPolicy"`
	RequireUppercase      bool `json:"require_uppercase" call:"iam:GetAccountPasswordPolicy"`
	RequireLowercase      bool `json:"require_lowercase" call:"iam:GetAccountPasswordPolicy"`
	RequireSymbols        bool `json:"require_symbols" call:"iam:GetAccountPasswordPolicy"`
	RequireNumbers        bool `json:"require_numbers" call:"iam:GetAccountPasswordPolicy"`
	UsersMayChange        bool `json:"users_may_change" call:"iam:GetAccountPasswordPolicy"`
	HardExpiry            bool `json:"hard_expiry" call:"iam:GetAccountPasswordPolicy"`
	MaximumAge            int  `json:"maximum_age" call:"iam:GetAccountPasswordPolicy"` // days, 0: passwords do not expire
	RememberedGenerations int  `json:"remembered_generations" call:"iam:GetAccountPasswordPolicy"`
}
