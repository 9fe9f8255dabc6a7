"""The playbooks that come with the product. Titles and requirements are content, written in Chinese like a company's own."""

from main_lines.playbooks.shipped.double11 import DOUBLE11
from main_lines.playbooks.shipped.flash_sale import FLASH_SALE
from main_lines.playbooks.shipped.launch import LAUNCH
from main_lines.playbooks.shipped.midyear import MIDYEAR
from main_lines.playbooks.shipped.opening import OPENING

PLAYBOOKS = {playbook.key: playbook for playbook in (DOUBLE11, MIDYEAR, LAUNCH, FLASH_SALE, OPENING)}
