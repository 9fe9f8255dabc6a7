"""Virtual machines in libvirt's words: base.py types and protocol, xml.py pure builders, libvirt_driver.py the only importer of libvirt."""
