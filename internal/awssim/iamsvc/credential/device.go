package credential

import (
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
	"github.com/rootkeep/rootkeep/internal/awssim/totp"
)

type deviceShape struct {
	UserName, SerialNumber string
	EnableDate             time.Time
}

type listMFADevicesOut struct {
	MFADevices []deviceShape
	entity.Page
}

// listMFADevices lists a user's devices, or root's in a session of root.
func listMFADevices(c *cloud.Call, in selfPaged) (out listMFADevicesOut, err error) {
	s, err := in.Subject(c)
	if err != nil {
		return out, err
	}
	var all []deviceShape
	for _, d := range *s.Devices {
		all = append(all, deviceShape{s.Name(), d.Serial, d.Enabled})
	}
	out.MFADevices, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type onDevice struct {
	SerialNumber string `aws:",must"`
	UserName     string
}

// On is the user whose device it is.
func (o *onDevice) On(c *cloud.Call) cloud.Resource {
	self := entity.OnSelf{UserName: o.UserName}
	return self.On(c)
}

func (o *onDevice) device(c *cloud.Call) (*entity.Subject, *cloud.Device, error) {
	self := entity.OnSelf{UserName: o.UserName}
	s, err := self.Subject(c)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range *s.Devices {
		if d.Serial == o.SerialNumber {
			return s, d, nil
		}
	}
	return nil, nil, cloud.Fail("NoSuchEntity", 404, "MFA Device with serial number %s does not exist.", o.SerialNumber)
}

type getMFADeviceOut struct {
	UserName, SerialNumber string
	EnableDate             time.Time
	Certifications         map[string]string
}

func getMFADevice(c *cloud.Call, in onDevice) (out getMFADeviceOut, err error) {
	s, d, err := in.device(c)
	if err != nil {
		return out, err
	}
	return getMFADeviceOut{s.Name(), d.Serial, d.Enabled, d.Certifications}, nil
}

type virtualShape struct {
	SerialNumber     string
	Base32StringSeed []byte `aws:",secret"`
	User             *entity.UserShape
	EnableDate       time.Time
	Tags             []cloud.Tag `aws:",omit"`
}

type listVirtualIn struct {
	AssignmentStatus string
	entity.Paged
}

type listVirtualOut struct {
	VirtualMFADevices []virtualShape
	entity.Page
}

func listVirtualDevices(c *cloud.Call, in listVirtualIn) (out listVirtualOut, err error) {
	var all []virtualShape
	for _, d := range cloud.Sorted(c.Account.Devices) {
		assigned := d.Owner != ""
		switch in.AssignmentStatus {
		case "", "Any":
		case "Assigned", "Unassigned":
			if assigned != (in.AssignmentStatus == "Assigned") {
				continue
			}
		default:
			return out, c.Invalid("AssignmentStatus must be Assigned, Unassigned or Any")
		}
		all = append(all, virtualShape{SerialNumber: d.Serial, User: ownerOf(c.Account, d), EnableDate: d.Enabled})
	}
	out.VirtualMFADevices, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

func ownerOf(a *cloud.Account, d *cloud.Device) *entity.UserShape {
	if d.Owner == a.IAM("root") {
		s := entity.RootShape(a)
		return &s
	}
	for _, u := range cloud.Sorted(a.Users) {
		if u.ARN == d.Owner {
			s := entity.ShowUser(u)
			return &s
		}
	}
	return nil
}

type createVirtualIn struct {
	Path                 string
	VirtualMFADeviceName string `aws:",must"`
	Tags                 []cloud.Tag
}

// On is the device's ARN.
func (in *createVirtualIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("mfa" + entity.OrSlash(in.Path) + in.VirtualMFADeviceName)}
}

type virtualOut struct{ VirtualMFADevice virtualShape }

// createVirtualDevice makes a device. It gives the seed and no QR code, which says the
// same.
func createVirtualDevice(c *cloud.Call, in createVirtualIn) (out virtualOut, err error) {
	if err := entity.CheckPath(c, &in.Path); err != nil {
		return out, err
	}
	d := &cloud.Device{Serial: c.Account.IAM("mfa" + in.Path + in.VirtualMFADeviceName), Seed: newSeed(c), Tags: in.Tags}
	if c.Account.Devices[d.Serial] != nil {
		return out, cloud.Fail("EntityAlreadyExists", 409, "MFADevice entity at the same path and name already exists.")
	}
	c.Account.Devices[d.Serial] = d
	out.VirtualMFADevice = virtualShape{SerialNumber: d.Serial, Base32StringSeed: []byte(d.Seed), Tags: d.Tags}
	return out, nil
}

type enableDeviceIn struct {
	entity.OnUser
	SerialNumber        string `aws:",must"`
	AuthenticationCode1 string `aws:",must,secret"`
	AuthenticationCode2 string `aws:",must,secret"`
}

// maxDevices is the quota of MFA devices of a user or root.
const maxDevices = 8

func enableDevice(c *cloud.Call, in enableDeviceIn) (cloud.None, error) {
	u, err := in.User(c)
	if err != nil {
		return cloud.None{}, err
	}
	d := c.Account.Devices[in.SerialNumber]
	switch {
	case d == nil:
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "VirtualMFADevice with serial number %s does not exist.", in.SerialNumber)
	case d.Owner != "":
		return cloud.None{}, cloud.Fail("EntityAlreadyExists", 409, "MFA device is already in use.")
	case len(u.MFA) >= maxDevices:
		return cloud.None{}, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for MfaDevicesPerUser: %d", maxDevices)
	case !totp.Consecutive(d.Seed, in.AuthenticationCode1, in.AuthenticationCode2, c.Cloud.ClientTime()):
		return cloud.None{}, cloud.Fail("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.")
	}
	d.Owner, d.Enabled = u.ARN, c.Now
	u.MFA = append(u.MFA, d)
	return cloud.None{}, nil
}

func deactivateDevice(c *cloud.Call, in onDevice) (cloud.None, error) {
	s, d, err := in.device(c)
	if err == nil {
		*s.Devices = entity.Remove(*s.Devices, d)
		d.Owner, d.Enabled = "", time.Time{}
	}
	return cloud.None{}, err
}

type onVirtual struct {
	SerialNumber string `aws:",must"`
}

// On is the device's ARN.
func (o *onVirtual) On(*cloud.Call) cloud.Resource { return cloud.Resource{ARN: o.SerialNumber} }

func deleteVirtualDevice(c *cloud.Call, in onVirtual) (cloud.None, error) {
	d := c.Account.Devices[in.SerialNumber]
	switch {
	case d == nil:
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "VirtualMFADevice with serial number %s does not exist.", in.SerialNumber)
	case d.Owner != "":
		return cloud.None{}, entity.Conflict("MFA VirtualDevice in use. Must deactivate first.")
	}
	delete(c.Account.Devices, in.SerialNumber)
	return cloud.None{}, nil
}
