package cloud

import "github.com/rootkeep/rootkeep/internal/awssim/identity"

// The identities of an account have a package of their own; services know them by
// these names.
type (
	Root           = identity.Root
	User           = identity.User
	Role           = identity.Role
	Group          = identity.Group
	Holder         = identity.Holder
	Policy         = identity.Policy
	Version        = identity.Version
	Profile        = identity.Profile
	Password       = identity.Password
	PasswordPolicy = identity.PasswordPolicy
	AccessKey      = identity.AccessKey
	Certificate    = identity.Certificate
	Device         = identity.Device
	Tag            = identity.Tag
	Text           = identity.Text
)

// Sorted lists the values of a map by their keys.
func Sorted[T any](m map[string]T) []T { return identity.Sorted(m) }

// SetTags adds tags to a list or replaces their values; the list given stays as it is.
func SetTags(have, add []Tag) []Tag { return identity.SetTags(have, add) }

// DropTags removes tags by key.
func DropTags(have []Tag, keys []string) []Tag { return identity.DropTags(have, keys) }
