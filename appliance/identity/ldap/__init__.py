"""LDAP and Active Directory: who somebody is, by the password and the groups that the plant already has."""
